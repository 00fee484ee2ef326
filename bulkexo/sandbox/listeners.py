"""Listening on loopback, with IPv4 and, where there is one, IPv6."""

from __future__ import annotations

import contextlib
import socket
import sys


def _bind(family: int, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def listeners(port: int) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, where there is IPv6, on ::1 with the same port. Raises OSError."""
    found = [_bind(socket.AF_INET, "127.0.0.1", port)]
    with contextlib.suppress(OSError):
        found.append(_bind(socket.AF_INET6, "::1", found[0].getsockname()[1]))
    return found

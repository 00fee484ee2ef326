"""Preloaded by the worker processes of this machine: what a terminal, or systemd, sends to all processes of a
run is for the coordinator, which has them end what is in flight, and then ends them. Floor 4.
"""

from __future__ import annotations

import signal

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def dask_setup(_worker: object) -> None:
    """Called by Dask as the worker starts, in its main thread."""
    for name in NAMES:
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)

"""Preloaded by the worker processes of this machine: Ctrl-C in the terminal is for the coordinator, which has
them end what is in flight. Floor 4.
"""

from __future__ import annotations

import signal

NAMES = ("SIGINT", "SIGHUP", "SIGBREAK")


def dask_setup(_worker: object) -> None:
    """Called by Dask as the worker starts, in its main thread."""
    for name in NAMES:
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)

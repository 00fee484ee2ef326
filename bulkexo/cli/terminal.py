"""Words on stderr and results on stdout, wherever these lead: to a full disk, a closed pipe, nowhere."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

import click

from bulkexo.model import StoppedError


def say(text: str) -> None:
    """Words for people. That nobody can read them is no reason to stop, least of all in mid-run."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def put(content: bytes) -> None:
    """Results that were asked for. A reader who has gone wants no more; else raises StoppedError."""
    try:
        click.echo(content, nl=False)
    except BrokenPipeError:
        abandon(sys.stdout)
    except OSError as error:
        abandon(sys.stdout)
        raise StoppedError(f"The output cannot be written ({error.strerror}).") from None


def abandon(stream: TextIO | None) -> None:
    """Send what is left in a stream that failed nowhere: Python would complain of it at exit."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def person_at(*streams: TextIO | None) -> bool:
    """Whether all of these lead to a terminal; a closed one leads nowhere."""
    return all(stream is not None and stream.isatty() for stream in streams)

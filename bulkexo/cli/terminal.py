"""Words on stderr and results on stdout, wherever these lead: to a full disk, a closed pipe, nowhere."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TextIO

import click

from bulkexo.model import SignInError, StoppedError


@dataclass
class _Voice:
    hushed: bool = False


_voice = _Voice()


def say(text: str) -> None:
    """Words for people. That nobody can read them is no reason to stop, least of all in mid-run."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def tell(text: str) -> None:
    """Words that are neither an error, nor a question, nor the end: --quiet leaves them out."""
    if not _voice.hushed:
        say(text)


def hush(on: bool) -> None:
    """Leave out from now on what `tell` is given, or no longer; for the command that this process runs."""
    _voice.hushed = on


def put(content: bytes) -> bool:
    """Results that were asked for; False if their reader has gone and wants no more. Raises StoppedError."""
    try:
        click.echo(content, nl=False)
    except BrokenPipeError:
        abandon(sys.stdout)
        return False
    except OSError as error:
        abandon(sys.stdout)
        raise StoppedError(
            f"The output cannot be written ({error.strerror}). Make room, or write it elsewhere."
        ) from None
    return True


def abandon(stream: TextIO | None) -> None:
    """Send what is left in a stream that failed nowhere: Python would complain of it at exit."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def person_at(*streams: TextIO | None) -> bool:
    """Whether all of these lead to a terminal; a closed one leads nowhere."""
    return all(stream is not None and stream.isatty() for stream in streams)


class AtTerminal:
    """The person at the terminal, for whoever signs in (net.identity.Person)."""

    def ask(self, question: str) -> str:
        """What they type, unseen."""
        import getpass

        try:
            return getpass.getpass(question)
        except (EOFError, OSError):
            raise SignInError(
                "Nobody answers at the terminal: give what was asked for by the environment or a file."
            ) from None

    def tell(self, text: str) -> None:
        """What they are to do."""
        say(text)


def somebody() -> AtTerminal | None:
    """The person at the terminal; None where nobody can be asked, as in a scheduled run."""
    return AtTerminal() if person_at(sys.stdin, sys.stderr) else None

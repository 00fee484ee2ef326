"""Where secrets come from: the environment, a file, or a person at a terminal. Never an argument."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from bulkexo.model import SignInError

TokenCall: TypeAlias = Callable[[str], "str | Awaitable[str]"]
"""A program's own way to get a token for a scope. Called in a thread; what it returns may be awaited."""


class Person(Protocol):
    """Somebody at a terminal."""

    def ask(self, question: str) -> str:
        """What they type, unseen. Raises SignInError if they do not answer."""

    def tell(self, text: str) -> None:
        """Show them something that they are to do."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What may not be an argument. person: None where nobody is there to be asked: then nothing is asked.

    sessions: msal's tokens of people for the length of this process, by authority and app, so that who has
    signed in for one service is signed in for the next. answers: what a person was asked for once.
    token: the program's own way to get tokens, before all others.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    person: Person | None = None
    sessions: dict[str, Any] = field(default_factory=dict, repr=False)
    answers: dict[str, str] = field(default_factory=dict, repr=False)
    token: TokenCall | None = field(default=None, repr=False)

    def given(self, variable: str, file: Path | None, what: str) -> str | None:
        """The text of the file if one is named, else of the environment's variable; None without either.
        what: what the file holds, as a person calls it. Raises SignInError."""
        if file is not None:
            return read(file, what)
        return self.environment.get(variable) or None

    def ask(self, question: str) -> str | None:
        """What the person answers, asked once; None where nobody is there. Raises SignInError."""
        if question not in self.answers and self.person is not None:
            self.answers[question] = self.person.ask(question)
        return self.answers.get(question)


def read(path: Path, what: str) -> str:
    """The text of a file without the blanks around it. Raises SignInError, also for an empty one."""
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        text = ""
    except OSError as error:
        raise SignInError(
            f"The file {path}, of {what}, cannot be read ({error.strerror}). Check its name, and who "
            "may read it."
        ) from None
    if not text:
        raise SignInError(f"The file {path} does not hold {what}. Write it there, and nothing else.")
    return text

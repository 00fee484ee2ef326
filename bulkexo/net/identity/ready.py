"""Ready-made tokens: from `BULKEXO_TOKEN`, from a file that something else keeps fresh, or from a program."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

from anyio import from_thread

from bulkexo.model import BulkexoError, SignInError
from bulkexo.net.identity.secrets import TokenCall
from bulkexo.net.tokens import Token


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token from the environment."""

    text: str = field(repr=False)

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """The token, until it is refused."""
        if anew:
            raise SignInError(
                "The service refuses the token of BULKEXO_TOKEN; it may have expired. Put a new one "
                "there, or use --token-file, which is read again when a token ends."
            )
        if not _sendable(self.text):
            raise SignInError(
                "BULKEXO_TOKEN does not hold a token. Put the access token there as it was issued."
            )
        return Token(self.text)


@dataclass(frozen=True, slots=True)
class FileToken:
    """A token from a file."""

    path: Path

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """What the file holds now."""
        try:
            text = self.path.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError:
            text = ""
        except OSError as error:
            raise SignInError(
                f"The token file {self.path} cannot be read ({error.strerror}). Check --token-file, "
                "and who may read it."
            ) from None
        if not _sendable(text):
            raise SignInError(
                f"The token file {self.path} does not hold a token. Let it hold the access token alone."
            )
        return Token(text)


@dataclass(frozen=True, slots=True)
class CalledToken:
    """A token that a program gets by itself. call: given the scope (see wire.hosts.scope)."""

    call: TokenCall
    scope: str

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """What the program gives now. Called in a thread of anyio's, so that the program may await."""
        try:
            found = self.call(self.scope)
            if not isinstance(found, str):
                found = from_thread.run(_awaited, found)
        except BulkexoError:
            raise
        except Exception as error:
            raise SignInError(
                f"The program's own token source failed ({type(error).__name__}). See its own error, "
                "which is the cause."
            ) from error
        if not isinstance(found, str) or not _sendable(found):
            raise SignInError(
                "The program's own token source did not give a token: let it return one, as text."
            )
        return Token(found)


async def _awaited(token: Awaitable[str]) -> str:
    return await token


def _sendable(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()

"""Ready-made tokens: from `BULKEXO_TOKEN`, or from a file that something else keeps fresh."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bulkexo.model import SignInError
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
            raise SignInError("BULKEXO_TOKEN does not hold a token.")
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
            raise SignInError(f"The token file {self.path} cannot be read ({error.strerror}).") from None
        if not _sendable(text):
            raise SignInError(f"The token file {self.path} does not hold a token.")
        return Token(text)


def _sendable(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()

"""Where a person's sign-in is kept between runs: encrypted by the system's own keyring, by msal-extensions.

DPAPI on Windows, the Keychain on macOS, libsecret on Linux. Where none is: a plain file, if asked for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from bulkexo.model import SignInError, UsageError

NAME = "bulkexo"
INSTALL = 'Keeping a sign-in takes an extra: pip install "bulkexo[login]".'


def plain_file() -> Path:
    """Where --insecure-cache keeps it, readable by this user alone."""
    return _folder() / "sign-in.json"


def kept() -> Any:
    """msal's cache of what `bulkexo login` has kept; None where nobody has signed in, so that no keyring is
    asked in vain. Raises SignInError if it cannot be read."""
    insecure = plain_file().exists()
    if not insecure and not _signal().exists():
        return None
    try:
        return keeper(insecure=insecure)
    except UsageError as error:
        raise SignInError(str(error)) from None


def keeper(*, insecure: bool) -> Any:
    """msal's cache, to read and to write. Raises UsageError where the system has no keyring, with what to do
    about it, or where the extra is missing."""
    try:
        import msal_extensions  # noqa: PLC0415 (an extra)
    except ImportError:
        raise UsageError(INSTALL) from None
    try:
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        place = (
            msal_extensions.FilePersistence(str(plain_file()))
            if insecure
            else _encrypted(msal_extensions, str(_signal()))
        )
        cache = msal_extensions.PersistedTokenCache(place)
        list(cache.search(cache.CredentialType.ACCOUNT))  # it can be read
    except Exception as error:  # each system's keyring fails in a way of its own
        if insecure:
            raise UsageError(f"The sign-in cannot be kept in {plain_file()} ({error}).") from None
        raise UsageError(
            f"The keyring of this system cannot be used ({_words(error)}). On Linux it takes libsecret, "
            "PyGObject and a session that unlocks it. Or keep the sign-in in the clear, in a file that you "
            "alone can read: bulkexo login --insecure-cache. For unattended runs use an app with a "
            "certificate."
        ) from None
    return cache


def forget_plain() -> None:
    """Take away the plain file, once the sign-in is kept better, or nobody is left in it."""
    plain_file().unlink(missing_ok=True)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _encrypted(extensions: Any, signal: str) -> Any:
    if sys.platform == "win32":
        return extensions.FilePersistenceWithDataProtection(signal)
    if sys.platform == "darwin":
        return extensions.KeychainPersistence(signal, NAME, NAME)
    return extensions.LibsecretPersistence(signal, schema_name=NAME, attributes={"application": NAME})


def _signal() -> Path:
    """On Windows the sign-in itself, encrypted; elsewhere an empty file that says when it changed."""
    return _folder() / "sign-in.bin"


def _folder() -> Path:
    return user_data_path(NAME, appauthor=False)

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


def kept(*, insecure: bool) -> Any:
    """msal's cache of what `bulkexo login` has kept; None where nothing was, or where nothing can be."""
    if not insecure and not _signal().exists():
        return None  # nobody has signed in: the keyring is left alone
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
        if insecure:
            return msal_extensions.PersistedTokenCache(msal_extensions.FilePersistence(str(plain_file())))
        return msal_extensions.PersistedTokenCache(_encrypted(msal_extensions, str(_signal())))
    except Exception as error:  # each system's keyring fails in a way of its own
        if insecure:
            raise UsageError(f"The sign-in cannot be kept in {plain_file()} ({error}).") from None
        raise UsageError(
            "This system has no keyring to keep a sign-in in (on Linux: libsecret, PyGObject, and a session "
            f"that unlocks it). With --insecure-cache it is kept in {plain_file()}, in the clear, for you "
            "alone to read. For unattended runs use an app with a certificate."
        ) from None


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

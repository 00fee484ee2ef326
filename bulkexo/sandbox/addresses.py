"""E-mail addresses of a recipient: exactly one `SMTP:` (primary), any number of `smtp:` and other kinds.

`SMTP:` in capitals marks the primary address; comparing ignores case. An address without a prefix is `smtp:`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from bulkexo.sandbox import errors
from bulkexo.sandbox.people import Facts
from bulkexo.sandbox.values import Edit

PARAMETERS: Final = frozenset(
    {"EmailAddresses", "PrimarySmtpAddress", "WindowsEmailAddress", "MicrosoftOnlineServicesID"}
)
_SMTP = re.compile(r"[^\s@<>(),;:\"]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PREFIX = re.compile(r"([A-Za-z0-9]{2,9}):(.*)", re.DOTALL)


def change(name: str, value: Any, facts: Facts) -> Facts:
    """The new `EmailAddresses` and `PrimarySmtpAddress` (or sign-in name) that one parameter asks for."""
    current: list[str] = facts["EmailAddresses"]
    if isinstance(value, Edit):
        return _with_primary(current, edited(current, value))
    if not value:
        raise errors.invalid_value(f"The property {name} can't be empty.")
    _checked_smtp(value)
    if name == "MicrosoftOnlineServicesID":
        return {"UserPrincipalName": value}
    return _with_primary(current, edited(current, Edit(add=(f"SMTP:{value}",))))


def proxy(text: str) -> str:
    """An address with its prefix; raises CmdletError if it cannot be one."""
    match = _PREFIX.fullmatch(text.strip())
    prefix, rest = (match[1], match[2]) if match else ("smtp", text.strip())
    if prefix.lower() == "smtp":
        _checked_smtp(rest)
        prefix = "SMTP" if prefix == "SMTP" else "smtp"
    return f"{prefix}:{rest}"


def edited(current: list[str], edit: Edit) -> list[str]:
    """The addresses after an edit. A new primary demotes the old one; without a primary in a replacing
    list, its first SMTP address becomes it."""
    add = [proxy(text) for text in (edit.add if edit.replace is None else edit.replace)]
    if sum(address.startswith("SMTP:") for address in add) > 1:
        raise errors.invalid_value("There are multiple primary SMTP addresses in the list of addresses.")
    gone = {proxy(text).casefold() for text in edit.remove}
    kept = (
        [] if edit.replace is not None else [address for address in current if address.casefold() not in gone]
    )
    for address in add:
        if address.startswith("SMTP:"):
            kept = ["smtp:" + old[5:] if old.startswith("SMTP:") else old for old in kept]
            kept = [old for old in kept if old.casefold() != address.casefold()]
            kept.insert(0, address)
        elif address.casefold() not in {old.casefold() for old in kept}:
            kept.append(address)
    if edit.replace is not None and not any(address.startswith("SMTP:") for address in kept):
        first = next((i for i, address in enumerate(kept) if address.startswith("smtp:")), None)
        if first is not None:
            kept[first] = "SMTP:" + kept[first][5:]
    return kept


def _with_primary(current: list[str], new: list[str]) -> Facts:
    primary = next((address[5:] for address in new if address.startswith("SMTP:")), None)
    if primary is None:
        raise errors.invalid_value("There is no primary SMTP address for this recipient.")
    if sorted(new) == sorted(current):
        return {}
    return {"EmailAddresses": new, "PrimarySmtpAddress": primary, "WindowsEmailAddress": primary}


def _checked_smtp(text: str) -> None:
    if not _SMTP.fullmatch(text):
        raise errors.invalid_value(f"The address '{text}' is invalid: \"{text}\" isn't a valid SMTP address.")

"""One object in two runs: by what it is known again, and which of its values are others. Pure.

An object is known by an id of its own: the first of `IDS` that it has, whatever row it came from, so that a
mailbox that was renamed is still itself; else the first of `LOCAL_IDS`, together with what the item
concerned. An entry of a permission (it has a User or a Trustee) has no identity: it is known by all its
values, and so comes or goes, but never changes. So is what has none of these names, and what shares its id
with another object of the same run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, Final

import orjson

from bulkexo.report.tables.flat import flat
from bulkexo.report.tables.values import size

IDS: Final = ("ExchangeGuid", "MailboxGuid", "Guid", "ExternalDirectoryObjectId")
LOCAL_IDS: Final = (
    *("RuleIdentity", "FolderId", "DeviceId", "UserPrincipalName", "PrimarySmtpAddress"),
    *("Identity", "Id", "DistinguishedName", "Name"),
)
ENTRIES: Final = frozenset({"User", "Trustee"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is compared. ignore: names of columns that are not, `*` for any text, case ignored. share: of a
    number or a size, by which it may be another and is still counted as the same."""

    ignore: tuple[str, ...] = ()
    share: float = 0.0

    def ignored(self) -> re.Pattern[str] | None:
        """Matches the columns that are left out; None if there are none."""
        if not self.ignore:
            return None
        return re.compile("|".join(translate(name) for name in self.ignore), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Known:
    """By what an object is known again. name: of the member, "" if by all its values. value: of it.
    local: among the objects of its item only."""

    name: str = ""
    value: str = ""
    local: bool = True


def known(columns: Mapping[str, Any]) -> Known:
    """By what an object is known, from its columns."""
    for name in IDS:
        if value := columns.get(name):
            return Known(name, str(value).casefold(), local=False)
    if not ENTRIES.isdisjoint(columns):
        return Known()
    for name in LOCAL_IDS:
        if value := columns.get(name):
            return Known(name, str(value).casefold())
    return Known()


def columns_of(value: Any) -> dict[str, Any]:
    """An object as flat columns, nothing among them that is empty; lists in an order of their own."""
    return {
        name: sorted(member, key=_sort_key) if isinstance(member, list) else member
        for name, member in flat(value).items()
        if member is not None and member not in ("", [])
    }


def _sort_key(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def differences(before: Mapping[str, Any], after: Mapping[str, Any], share: float) -> list[dict[str, Any]]:
    """The columns whose values are others: `column`, `before`, `after`, null for none. share: see Wanted."""
    names: Iterable[str] = {**after, **before}
    return [
        {"column": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if not _same(before.get(name), after.get(name), share)
    ]


def _same(before: Any, after: Any, share: float) -> bool:
    if before == after:
        return True
    one, other = _number(before), _number(after)
    if one is None or other is None:
        return False
    return abs(other - one) <= share * abs(one)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return size(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None

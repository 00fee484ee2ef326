"""Addresses of a recipient: exactly one `SMTP:` is the primary, the others are `smtp:` or of another kind.

Case makes no difference but for the prefix; an address without one is `smtp:`. A new primary makes the old
one an ordinary address; in a list that replaces all and has none, the first one becomes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_PREFIX = re.compile(r"([A-Za-z0-9]{2,9}):(.*)", re.DOTALL)
PRIMARY = "SMTP:"


def proxy(text: Any) -> str:
    """An address with its prefix."""
    bare = str(text).strip()
    found = _PREFIX.fullmatch(bare)
    if found is None:
        return f"smtp:{bare}"
    kind = found[1] if found[1] == "SMTP" else found[1].lower()
    return f"{kind}:{found[2]}"


def same(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Whether two lists hold the same addresses and the same primary one."""
    return _keys(before) == _keys(after)


def applied(before: Sequence[Any], replacing: Any, edit: Mapping[str, Sequence[Any]]) -> list[str]:
    """The addresses afterwards. replacing: all of them, None for an edit. edit: what is added and removed."""
    if replacing is None:
        gone = {_bare(each) for each in edit.get("remove", ())}
        kept = [str(each) for each in before if _bare(each) not in gone]
        added = edit.get("add", ())
    else:
        kept, added = [], replacing if isinstance(replacing, list | tuple) else [replacing]
    for address in map(proxy, added):
        if address.startswith(PRIMARY):
            kept = [f"smtp:{old[5:]}" if old.startswith(PRIMARY) else old for old in kept]
            kept = [address, *(old for old in kept if _bare(old) != _bare(address))]
        elif _bare(address) not in {_bare(old) for old in kept}:
            kept.append(address)
    if replacing is not None and not any(old.startswith(PRIMARY) for old in kept):
        first = next((number for number, old in enumerate(kept) if old.startswith("smtp:")), None)
        if first is not None:
            kept[first] = PRIMARY + kept[first][5:]
    return kept


def _bare(address: Any) -> str:
    return proxy(address).casefold()


def _keys(addresses: Sequence[Any]) -> set[tuple[bool, str]]:
    return {(proxy(each).startswith(PRIMARY), _bare(each)) for each in addresses}

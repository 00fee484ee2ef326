"""A parameter's value against the one that the object has: is it the same, what would it be afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bulkexo.compare import proxies
from bulkexo.compare.scalars import canonical, empty, numbers, reference
from bulkexo.compare.sorts import Sort
from bulkexo.model import Value

Names: TypeAlias = Mapping[str, frozenset[str]]
"""All names of a recipient (see `reference`) by the name that a job gives it, in that form too."""

EDITS = frozenset({"add", "remove"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One parameter of an item. before: what the object has; after: what it would have. same: whether these
    are the same to Exchange, None if that cannot be told."""

    name: str
    before: Any = field(repr=False)
    after: Any = field(repr=False)
    same: bool | None


def same(sort: Sort, before: Any, after: Any, names: Names | None = None) -> bool | None:
    """Whether two values are the same to Exchange; None if it cannot be told. Order makes no difference in a
    list, a list of one is that one, and empty is empty. names: of recipients that `after` names."""
    if empty(before) or empty(after):
        return empty(before) and empty(after)
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        return True if _plain(before) == _plain(after) else None
    if sort is Sort.PROXIES:
        return proxies.same(_list(before), _list(after))
    if isinstance(before, list | tuple) or isinstance(after, list | tuple):
        return _same_lists(sort, _list(before), _list(after), names or {})
    return _same_scalars(sort, before, after, names or {})


def difference(name: str, sort: Sort, before: Any, given: Value, names: Names | None = None) -> Difference:
    """What a parameter would change. names: of recipients that `given` names, as far as they are known."""
    after = applied(sort, before, given, names)
    edit = edits(given)
    if edit is not None and any(
        _unknown(sort, before, each, names) for part in edit.values() for each in part
    ):
        return Difference(name, before, after, None)
    return Difference(name, before, after, same(sort, before, after, names))


def applied(sort: Sort, before: Any, given: Value, names: Names | None = None) -> Any:
    """What the object would have: a hashtable of Add and Remove is carried out, anything else replaces."""
    edit = edits(given)
    if sort is Sort.PROXIES:
        return proxies.applied(_list(before), given if edit is None else None, edit or {})
    if edit is None:
        return (
            [given] if isinstance(before, list) and not isinstance(given, list | tuple) and given else given
        )
    gone, added = edit.get("remove", ()), edit.get("add", ())
    kept = [each for each in _list(before) if not any(_alike(sort, each, name, names) for name in gone)]
    for each in added:
        if not any(_alike(sort, old, each, names) for old in kept):
            kept.append(each)
    return kept


def edits(given: Value) -> dict[str, list[Any]] | None:
    """The parts of a hashtable of Add and Remove, in lower case; None if the value is none."""
    if not isinstance(given, Mapping):
        return None
    parts = {name.lower(): _list(value) for name, value in given.items() if "@" not in name}
    return parts if parts and parts.keys() <= EDITS else None


def _alike(sort: Sort, one: Any, other: Any, names: Names | None) -> bool:
    """Whether two members of a list are the same; among texts, case makes no difference there."""
    if sort is Sort.TEXT:
        return str(one).casefold() == str(other).casefold()
    return bool(_same_scalars(sort, one, other, names or {}))


def _unknown(sort: Sort, before: Any, given: Any, names: Names | None) -> bool:
    """Whether nobody can tell if the list has this member already: it may be there by another name."""
    members = _list(before)
    answers = [_same_scalars(sort, each, given, names or {}) for each in members]
    return sort is Sort.RECIPIENT and None in answers and True not in answers


def _same_scalars(sort: Sort, before: Any, after: Any, names: Names) -> bool | None:
    if sort is Sort.RECIPIENT:
        return _same_recipient(str(before), str(after), names)
    if sort is Sort.NUMBER:
        pair = numbers(before, after)
        return pair[0] == pair[1] if pair else (True if str(before) == str(after) else None)
    one, other = canonical(sort, before), canonical(sort, after)
    if one is None or other is None:
        return True if before == after else None
    return one == other


def _same_recipient(before: str, after: str, names: Names) -> bool | None:
    """An object is shown by one of its names, and the job may use another."""
    shown, given = reference(before), reference(after)
    if shown == given:
        return True
    known = names.get(given)
    return None if known is None else shown in known


def _same_lists(sort: Sort, before: Sequence[Any], after: Sequence[Any], names: Names) -> bool | None:
    """Whether each of both has its like in the other; None if some have not, and may have."""
    left = _distinct(sort, before)
    doubtful = 0
    for each in _distinct(sort, after):
        answers = [_same_scalars(sort, old, each, names) for old in left]
        if True in answers:
            del left[answers.index(True)]
        elif None in answers:
            doubtful += 1
        else:
            return False
    if not doubtful:
        return not left
    return None if len(left) == doubtful else False


def _distinct(sort: Sort, values: Sequence[Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for each in values:
        key = canonical(sort, each)
        found.setdefault(str(each) if key is None else key, each)
    return list(found.values())


def _list(value: Any) -> list[Any]:
    if empty(value):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _plain(value: Any) -> Any:
    """Without the notes that a hashtable carries over the wire."""
    if isinstance(value, Mapping):
        return {name.casefold(): _plain(member) for name, member in value.items() if "@" not in name}
    return [_plain(member) for member in value] if isinstance(value, list | tuple) else value

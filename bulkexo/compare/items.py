"""An item set against its object: what to read, and what the item would change of what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bulkexo.compare.scalars import empty, reference
from bulkexo.compare.sorts import Sort, sort_of
from bulkexo.compare.values import Difference, Names, difference, edits, same
from bulkexo.facts import Shape, Twin, catalogue, mastered, twin
from bulkexo.facts.shows import Edit
from bulkexo.facts.subjects import getter
from bulkexo.model import Item, Value
from bulkexo.wire.cmdlets import verb
from bulkexo.wire.doors import ENDPOINTS, V2_API
from bulkexo.wire.repeat import question

SECRET: Final = "<secret>"  # noqa: S105 (the mark that stands where a secret was)
READS: Final = frozenset({"get", "test", "search", "export", "validate", "preview", "check"})
NAMES: Final = (
    "Name", "Alias", "DisplayName", "PrimarySmtpAddress", "UserPrincipalName", "WindowsLiveID", "Identity",
    "Guid", "ExternalDirectoryObjectId", "DistinguishedName", "ExchangeGuid", "EmailAddresses",
)  # fmt: skip
"""Properties by which a recipient may be meant."""


class Change(StrEnum):
    """What an item would do to its object.

    UNKNOWN: something of it cannot be seen, or not be told. MISSING: there is no such object. ON_PREMISES: it
    would change what is mastered in the on-premises directory.
    """

    NONE = "none"
    CHANGE = "change"
    CREATE = "create"
    REMOVE = "remove"
    UNKNOWN = "unknown"
    ON_PREMISES = "on-premises"
    MISSING = "missing"

    @property
    def sent(self) -> bool:
        """Whether there is something to send."""
        return self in (Change.CHANGE, Change.CREATE, Change.REMOVE, Change.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Assessed:
    """change: of the whole item. differences: by parameter. why: a sentence, where it is not plain."""

    change: Change
    differences: tuple[Difference, ...] = ()
    why: str = ""

    @property
    def before(self) -> dict[str, Any]:
        """What the object has, by parameter."""
        return {each.name: each.before for each in self.differences}

    @property
    def after(self) -> dict[str, Any]:
        """What it would have, by parameter."""
        return {each.name: each.after for each in self.differences}


def reading(item: Item) -> Item | None:
    """The read that shows what the item would change; None if there is none, or nobody knows it."""
    if verb(item.cmdlet) == "new":
        asked = question(item.cmdlet, item.identity, item.parameters)
        hidden = item.secrets & {"Name", "Identity", "UserPrincipalName"}
        if asked is None or hidden or not getter(item.cmdlet.partition("-")[2].lower()):
            return None
        return _read(item, asked[0], asked[1], ("Name",))
    found = twin(item.cmdlet)
    asked_of = found.question(item.parameters) if found else None
    if found is None or asked_of is None or found.source in item.secrets:
        return None
    return _read(item, found.cmdlet, asked_of, _select(item, found))


def references(item: Item) -> Iterator[str]:
    """Names of other recipients that the item gives, which its object may show by other names of theirs."""
    found = twin(item.cmdlet)
    if found is None or found.shape is not Shape.OBJECT:
        return
    for name, value in item.parameters.items():
        if name in item.secrets or found.steers(name) or found.shown(name) is None:
            continue
        if _sort(item.cmdlet, name) is Sort.RECIPIENT:
            edit = edits(value)
            for each in [value] if edit is None else edit.values():
                yield from (
                    str(name) for name in (each if isinstance(each, list | tuple) else [each]) if name
                )


def names_of(found: Mapping[str, Any]) -> frozenset[str]:
    """All names of a recipient that a Get- cmdlet has shown, as `Names` wants them."""
    values = [found.get(name) for name in NAMES]
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return frozenset(reference(str(each)) for each in flat if not empty(each))


def assess(
    item: Item, found: Sequence[Any] | None, names: Names | None = None, *, whole: bool = True
) -> Assessed:
    """What the item would change. found: what its read has shown, None if there is no such object. names: of
    `references`. whole: whether that was all that there is to show."""
    word = verb(item.cmdlet)
    if word == "new":
        if found:
            return Assessed(Change.NONE, why="There is an object of this name already.")
        return Assessed(Change.CREATE)
    known = twin(item.cmdlet)
    if known is None:
        return unread(item)
    if found is None:
        return Assessed(Change.MISSING, why="There is no such object.")
    if known.shape is Shape.ENTRIES:
        return _of_entries(item, found)
    if known.shape is Shape.MEMBERS:
        return _of_members(item, known, found, whole=whole)
    objects = [each for each in found if isinstance(each, Mapping)]
    if not objects:
        return Assessed(Change.MISSING, why="There is no such object.")
    if word == "remove":
        return apart(item, objects[0], Assessed(Change.REMOVE))
    return apart(item, objects[0], _summed(tuple(_of_object(item, known, objects[0], names))))


def unread(item: Item) -> Assessed:
    """What can be said of an item that nothing was read for."""
    if verb(item.cmdlet) in READS:
        return Assessed(Change.NONE, why="It only reads.")
    if verb(item.cmdlet) == "new":
        return Assessed(Change.CREATE)
    return Assessed(
        Change.UNKNOWN, why=f"What {item.cmdlet} changes is not shown by a Get- cmdlet that is known."
    )


def apart(item: Item, found: Mapping[str, Any], so_far: Assessed) -> Assessed:
    """The same, but ON_PREMISES if the object, as `found`, is mastered there and that stands in the way."""
    if not so_far.change.sent or str(found.get("IsDirSynced")).lower() != "true":
        return so_far
    differing = [each.name for each in so_far.differences if each.same is not True]
    barred = mastered(item.cmdlet, differing)
    if not barred:
        return so_far
    what = "the object" if barred == ("it",) else ", ".join(barred)
    why = f"It is mastered on-premises, and {what} cannot be changed here."
    return Assessed(Change.ON_PREMISES, so_far.differences, why)


def moved(before: Mapping[str, Any], now: Assessed) -> list[str]:
    """The parameters whose values are others now than they were. before: as a plan has them."""
    current = now.before
    return [
        name
        for name, value in before.items()
        if name in current and value != SECRET and _stable(value) != _stable(current[name])
    ]


def _read(item: Item, cmdlet: str, parameters: Mapping[str, Value], select: tuple[str, ...]) -> Item | None:
    if item.api == V2_API and cmdlet.lower() not in ENDPOINTS:
        return None
    return Item(
        item.row, item.step, cmdlet, "", parameters, {}, tenant=item.tenant, select=select, api=item.api
    )


def _select(item: Item, known: Twin) -> tuple[str, ...]:
    if known.shape is Shape.MEMBERS:
        return NAMES
    if known.shape is Shape.ENTRIES:
        return ()
    synced = ("IsDirSynced",) if mastered(item.cmdlet, item.parameters) else ()
    values = [name for name in item.parameters if not known.steers(name)]
    return (*known.properties(values), *synced) or ("Identity",)


def _sort(cmdlet: str, parameter: str) -> Sort:
    known = catalogue.cmdlet(cmdlet)
    found = known.parameter(parameter) if known else None
    return sort_of(parameter, found.type if found else "")


def _summed(differences: tuple[Difference, ...]) -> Assessed:
    answers = [each.same for each in differences]
    if False in answers:
        return Assessed(Change.CHANGE, differences)
    if None in answers:
        unseen = ", ".join(each.name for each in differences if each.same is None)
        return Assessed(Change.UNKNOWN, differences, f"Whether {unseen} would change cannot be told.")
    return Assessed(Change.NONE, differences)


def _of_object(
    item: Item, known: Twin, found: Mapping[str, Any], names: Names | None
) -> Iterator[Difference]:
    properties = {name.lower(): value for name, value in found.items()}
    for name, value in item.parameters.items():
        if known.steers(name):
            continue
        shown = known.shown(name)
        if name in item.secrets:
            yield Difference(name, SECRET, SECRET, None)
        elif shown is None or shown.property.lower() not in properties:
            yield Difference(name, None, value, None)
        else:
            before = properties[shown.property.lower()]
            if isinstance(before, str):
                before = shown.spelled.get(before, before)
            given = value if shown.edit is Edit.PUT else {shown.edit.value: value}
            yield difference(name, _sort(item.cmdlet, name), before, given, names)
    for name, value in known.state.items():
        before = properties.get(name.lower())
        yield Difference(name, before, value, same(sort_of(name, ""), before, value))


def _of_entries(item: Item, found: Sequence[Any]) -> Assessed:
    """Rights of one trustee, whose entries were read."""
    deny = bool(item.parameters.get("Deny"))
    entries = [each for each in found if isinstance(each, Mapping) and _denies(each) == deny]
    before = _rights([right for each in entries for right in _rights(each.get("AccessRights"))])
    given = _rights(item.parameters.get("AccessRights"))
    wanted = {right.casefold() for right in given}
    word, folder = verb(item.cmdlet), "folder" in item.cmdlet.lower()
    if word == "remove":
        after = [] if folder or not given else [right for right in before if right.casefold() not in wanted]
    elif word == "add" and not folder:
        have = {right.casefold() for right in before}
        after = [*before, *(right for right in given if right.casefold() not in have)]
    else:
        after = given
    if word == "set" and not entries:
        return Assessed(Change.MISSING, why="There is no entry of this user.")
    found_same = same(Sort.NAME, before, after)
    assessed = _summed((Difference("AccessRights", before, after, found_same),))
    if word == "add" and folder and entries and assessed.change is Change.CHANGE:
        why = "There is an entry of this user already, which Set-MailboxFolderPermission changes."
        return Assessed(Change.UNKNOWN, assessed.differences, why)
    return assessed


def _denies(entry: Mapping[str, Any]) -> bool:
    return str(entry.get("Deny")).lower() == "true" or entry.get("AccessControlType") == "Deny"


def _rights(value: Any) -> list[str]:
    """The rights in a list, or in a text with commas, each once."""
    listed = value if isinstance(value, list | tuple) else [] if empty(value) else [value]
    return list(
        dict.fromkeys(part.strip() for each in listed for part in str(each).split(",") if part.strip())
    )


def _of_members(item: Item, known: Twin, found: Sequence[Any], *, whole: bool) -> Assessed:
    """Whether those that the item names are members of the group, whose members were read."""
    value = item.parameters.get(known.entry)
    given = [str(each) for each in (value if isinstance(value, list | tuple) else [value]) if each]
    members = [names_of(each) for each in found if isinstance(each, Mapping)]
    inside = [name for name in given if any(reference(name) in names for names in members)]
    outside = [name for name in given if name not in inside]
    word = verb(item.cmdlet)
    if word == "remove":
        before, after, done = inside, [], not inside and whole
    elif word == "add":
        before, after, done = inside, given, not outside
    else:
        before = [str(each.get("Name", "")) for each in found if isinstance(each, Mapping)]
        after, done = given, not outside and whole and len(members) == len(given)
    told = done if whole or done or (word == "remove" and inside) else None
    return _summed((Difference(known.entry, before, after, bool(told) if told is not None else None),))


def _stable(value: Any) -> Any:
    """A value as it is compared with itself at another time: order makes no difference in a list."""
    if isinstance(value, Mapping):
        return {name: _stable(member) for name, member in value.items() if "@" not in name}
    if isinstance(value, list | tuple):
        return sorted(map(repr, map(_stable, value)))
    return "" if value is None else value

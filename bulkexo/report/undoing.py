"""What puts back what one item has changed, and what of it nothing can. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bulkexo.compare import same, sort_of
from bulkexo.compare.values import edits
from bulkexo.facts import Edit, Inverse, Shape, Shown, Twin, Way, catalogue, inverse, irreversible, twin
from bulkexo.facts.catalogue import Kind
from bulkexo.former import ADDRESSES, ADDRESSING, ID, MEMBER_NAMES, RENAMING
from bulkexo.model import Failure
from bulkexo.redact import HIDDEN
from bulkexo.wire.cmdlets import REPEATABLE, verb
from bulkexo.wire.repeat import NAMES, done_before

READS = frozenset(REPEATABLE) - {"set", "update"}
CREATED_NAMES = (ID, "ExternalDirectoryObjectId", "Identity", "PrimarySmtpAddress", "Name")
"""Properties by which what a New- has made is named again, the best first."""

NO_NULL = frozenset({Kind.BOOL, Kind.SWITCH, Kind.NUMBER})
"""Kinds of parameters that take no null."""

CONFLICTING = frozenset({"primarysmtpaddress", "windowsemailaddress"})
"""Parameters that the cmdlets do not take together with EmailAddresses, which says the same."""

NOT_KEPT = (
    "what there was before is not kept here: the run was made without --keep-before, or another sent it"
)
HELD_ONE = "it had a secret in it, which is kept nowhere"
NOT_THERE = "there was no such object to be read before it was changed"

Line = dict[str, Any]
"""A line of an NDJSON job: cmdlet and parameters."""


@dataclass(slots=True)
class Undone:
    """lines: what puts an item back, in the order in which it is to run. left: what it does not put back (a
    parameter, or "" for all of it) and why, half a sentence. ordered: whether other items could depend
    on it, so that the order of all of them has to be kept."""

    lines: list[Line] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    ordered: bool = False


def undo(result: Mapping[str, Any], kept: Mapping[str, Any] | None, *, created: bool) -> Undone:
    """What undoes an item. result: its line in the results; kept: that in before.ndjson, None if it has none.
    created: whether what was made is removed."""
    found = Undone()
    cmdlet, status = str(result.get("cmdlet")), result.get("status")
    if verb(cmdlet) in READS or status in ("failed", "skipped"):
        return found
    if status == "unknown":
        found.left.append(("", "it is not known whether it took effect: look at the object"))
        return found
    undoes = inverse(cmdlet)
    if undoes is None:
        if status == "succeeded":
            found.left.append(("", irreversible(cmdlet)))
    elif undoes.way is Way.CREATED:
        _created(result, kept, undoes, found, created=created)
    elif kept is None:
        if status == "succeeded":
            found.left.append(("", NOT_KEPT))
    elif why := undoes.why_not(kept["parameters"]):
        found.left.append(("", why))
    elif undoes.way is Way.VALUES:
        _values(kept, undoes, found, unchanged=status == "unchanged")
    elif status == "succeeded":
        _opposite(result, kept, undoes, found)
    if kept is not None and kept.get("hidden"):
        _leave_hidden(kept["parameters"], found)
    return found


def _leave_hidden(given: Mapping[str, Any], found: Undone) -> None:
    """Put no mark where a secret was. given: the parameters of the item, which came from the job."""
    lines, found.lines = found.lines, []
    for line in lines:
        parameters = line["parameters"]
        hidden = [
            name for name, value in parameters.items() if value != given.get(name) and HIDDEN in str(value)
        ]
        found.left += [(name, HELD_ONE) for name in hidden]
        kept = {name: value for name, value in parameters.items() if name not in hidden}
        if not hidden or any(value != given.get(name) for name, value in kept.items()):
            found.lines.append({**line, "parameters": kept})


def _line(kept: Mapping[str, Any], cmdlet: str, parameters: Mapping[str, Any]) -> Line:
    line: Line = {"cmdlet": cmdlet, "parameters": dict(parameters)}
    for name in ("tenant", "api"):
        if kept.get(name):
            line[name] = kept[name]
    return line


def _created(
    result: Mapping[str, Any],
    kept: Mapping[str, Any] | None,
    undoes: Inverse,
    found: Undone,
    *,
    created: bool,
) -> None:
    if result.get("status") != "succeeded":
        return
    if not created:
        found.left.append(("", "the run has made it; --including-created removes it"))
        return
    given: Mapping[str, Any] = kept["parameters"] if kept else {}
    value = next((each for each in result.get("value") or () if isinstance(each, dict)), {})
    shown = (value.get(name) for name in CREATED_NAMES)
    named = next((each for each in shown if each), None) or next(
        (given[name] for name in NAMES if given.get(name)), None
    )
    if named is None:
        found.left.append(("", "neither its answer nor the job names what it has made"))
        return
    parameters = {"Identity": named, **_over(given, undoes)}
    found.lines.append(_line(kept or result, undoes.cmdlet, parameters))
    found.ordered = True


def _over(given: Mapping[str, Any], undoes: Inverse) -> dict[str, Any]:
    """The parameters of the inverse that are those of the item."""
    return {name: given[own] for name, own in undoes.parameters.items() if own in given}


def _values(kept: Mapping[str, Any], undoes: Inverse, found: Undone, *, unchanged: bool) -> None:
    """The former values, by the same cmdlet."""
    shows, given, before = twin(undoes.of), kept["parameters"], kept.get("before")
    found.left += [(name, "it is a secret, and was not kept") for name in kept.get("secrets", ())]
    if shows is None or not kept.get("twin"):
        found.left += [
            (name, "nothing shows its former value")
            for name in given
            if shows is None or not shows.steers(name)
        ]
    elif before is None:
        found.left.append(("", NOT_THERE))
    elif shows.shape is Shape.MEMBERS:
        _members(kept, shows, undoes, found)
    elif shows.shape is Shape.ENTRIES:
        _entry(kept, shows, undoes, found)
    else:
        _properties(kept, shows, undoes, found, unchanged=unchanged)


def _members(kept: Mapping[str, Any], shows: Twin, undoes: Inverse, found: Undone) -> None:
    if kept.get("whole") is False:
        found.left.append((shows.entry, "it had more members than one page shows"))
        return
    names = [next((each[name] for name in MEMBER_NAMES if each.get(name)), None) for each in kept["before"]]
    parameters = {**_steering(kept, shows), shows.entry: names or None}
    found.lines.append(_line(kept, undoes.cmdlet, parameters))


def _entry(kept: Mapping[str, Any], shows: Twin, undoes: Inverse, found: Undone) -> None:
    own = [each for each in kept["before"] if not _true(each.get("IsInherited"))]
    if len(own) != 1:
        found.left.append(("", "it is not known which rights it had before"))
        return
    parameters = _steering(kept, shows)
    for name in kept["parameters"]:
        if name in parameters or shows.steers(name):
            continue
        if own[0].get(name):
            parameters[name] = own[0][name]
        else:
            found.left.append((name, f"{shows.cmdlet} did not show it"))
    found.lines.append(_line(kept, undoes.cmdlet, parameters))


def _steering(kept: Mapping[str, Any], shows: Twin) -> dict[str, Any]:
    """The parameters that say on what the item acts, and how."""
    given = kept["parameters"]
    value = shows.entry if shows.shape is Shape.MEMBERS else ""
    return {name: given[name] for name in given if shows.steers(name) and name != value}


def _properties(
    kept: Mapping[str, Any], shows: Twin, undoes: Inverse, found: Undone, *, unchanged: bool
) -> None:
    given, before = kept["parameters"], kept["before"]
    values: dict[str, Any] = {}
    for name, value in given.items():
        if shows.steers(name):
            continue
        shown = shows.shown(name)
        if shown is None or shown.property not in before:
            why = "nothing shows its former value" if shown is None else f"{shows.cmdlet} did not show it"
            found.left.append((name, why))
        elif not (unchanged and _same(undoes.of, shown, name, before[shown.property], value)):
            _put_back(undoes.of, name, shown, before[shown.property], value, values, found)
    if not values:
        return
    parameters = _steering(kept, shows)
    if _renamed(str(parameters.get(shows.source, "")), given, before):
        parameters[shows.source] = before.get(ID) or parameters[shows.source]
        found.ordered = True
    naming = {name.lower() for name in values} & ADDRESSING - {ADDRESSES.lower()}
    found.ordered = found.ordered or bool(naming)
    addresses = _addresses(undoes.of, before) if naming else None
    if addresses is not None:
        values = {name: value for name, value in values.items() if name.lower() not in CONFLICTING}
        values.pop(ADDRESSES, None)
    if values:
        found.lines.append(_line(kept, undoes.cmdlet, {**parameters, **values}))
    if addresses is not None:  # last, for changing a name can add an address
        found.lines.append(_line(kept, undoes.cmdlet, {**parameters, ADDRESSES: addresses}))


def _renamed(identity: str, given: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether the item may have taken away the name by which it knew its object. Of the addresses, a primary
    one that gives way stays."""
    old = {name.lower(): str(value).casefold() for name, value in before.items() if isinstance(value, str)}
    old["microsoftonlineservicesid"] = old.get("userprincipalname", "")
    name = identity.casefold()
    if any(old.get(each.lower()) == name for each in given if each.lower() in RENAMING):
        return True
    addresses = next((value for each, value in given.items() if each.lower() == ADDRESSES.lower()), None)
    edit = edits(addresses)
    if edit is not None:
        return name in map(_bare, edit.get("remove", ()))
    return addresses is not None and "@" in name and name not in map(_bare, _list(addresses))


def _bare(address: Any) -> str:
    """An address without its prefix, in one case."""
    text = str(address)
    return (text.partition(":")[2] or text).casefold()


def _addresses(cmdlet: str, before: Mapping[str, Any]) -> Any:
    """All former addresses, if they are known and the cmdlet takes them."""
    known = catalogue.cmdlet(cmdlet)
    return before.get(ADDRESSES) or None if known and known.parameter(ADDRESSES) else None


def _same(cmdlet: str, shown: Shown, name: str, old: Any, value: Any) -> bool:
    known = catalogue.cmdlet(cmdlet)
    parameter = known.parameter(name) if known else None
    if shown.edit is not Edit.PUT or isinstance(value, Mapping):
        return True  # the service has said so
    old = shown.spelled.get(str(old), old)
    return same(sort_of(name, parameter.type if parameter else ""), old, value) is True


def _put_back(
    cmdlet: str, name: str, shown: Shown, old: Any, value: Any, values: dict[str, Any], found: Undone
) -> None:
    """Add what puts one value back to `values`, or why nothing does to what is left."""
    if shown.edit is not Edit.PUT:
        before = {name for each in _list(old) for name in _named(each)}
        were = {str(each).casefold(): each for each in _list(value)}
        undone = [each for each in were if (each in before) == (shown.edit is Edit.REMOVE)]
        if undone:
            values[shown.opposite] = [were[each] for each in undone]
        return
    if shown.spelled:
        if str(old) not in shown.spelled:
            found.left.append((name, f"its former value {old!r} cannot be set"))
            return
        old = shown.spelled[str(old)]
    if old is None or old in ("", []):
        known = catalogue.cmdlet(cmdlet)
        parameter = known.parameter(name) if known else None
        if parameter is not None and parameter.kind in NO_NULL:
            found.left.append((name, "it had no value before, and the cmdlet does not take one away"))
            return
        old = None
    values[name] = old


def _opposite(result: Mapping[str, Any], kept: Mapping[str, Any], undoes: Inverse, found: Undone) -> None:
    """The other of the pair, for what the item has really changed."""
    shows, given, before = twin(undoes.of), kept["parameters"], kept.get("before")
    parameters = _over(given, undoes)
    if shows is None or shows.shape is Shape.MEMBERS:
        if _doubtful(result, undoes.of):
            found.left.append(("", "its answer was lost, and it may have been so before: look at the object"))
            return
    elif before is None:
        found.left.append(("", NOT_THERE if kept.get("twin") else NOT_KEPT))
        return
    elif shows.shape is Shape.OBJECT:
        if all(str(before.get(name)) == str(value) for name, value in shows.state.items()):
            return
    elif not _rights(given, before, undoes, parameters):
        return
    found.lines.append(_line(kept, undoes.cmdlet, parameters))
    if undoes.loses:
        found.left.append(("", f"it comes back, but for {undoes.loses}"))


def _rights(
    given: Mapping[str, Any], before: Sequence[Mapping[str, Any]], undoes: Inverse, parameters: dict[str, Any]
) -> bool:
    """Add to `parameters` what is to be given back, or taken away again; False if that is nothing."""
    deny = _true(given.get("Deny"))
    own = [each for each in before if not _true(each.get("IsInherited")) and _true(each.get("Deny")) == deny]
    had = {right.lower(): right for each in own for right in _words(each.get("AccessRights"))}
    adding = verb(undoes.of) == "add"
    if adding and "AccessRights" not in undoes.parameters:
        return not own  # the entry as a whole
    wanted = _words(given.get("AccessRights")) or list(had.values())
    changed = [right for right in wanted if (right.lower() in had) != adding]
    for name, shown in undoes.before.items():
        if name != "AccessRights" and own and own[0].get(shown) not in (None, "", "None"):
            parameters[name] = own[0][shown]
    parameters["AccessRights"] = changed
    return bool(changed)


def _words(value: Any) -> list[str]:
    """`FullAccess, ReadPermission`, or a list, as words."""
    return [word for text in _list(value) for word in _split(str(text))]


def _split(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def _doubtful(result: Mapping[str, Any], cmdlet: str) -> bool:
    """Whether the service said that there was nothing to do, after a sending whose answer was lost."""
    said = done_before(cmdlet)
    texts = result.get("warnings") or ()
    return said is not None and any(said.said(Failure("", "", str(text))) for text in texts)


def _named(member: Any) -> Iterator[str]:
    """The names of a member of a list, in one case: of an object all its texts, for any of them can be it."""
    values = member.values() if isinstance(member, Mapping) else [member]
    return (str(value).casefold() for value in values)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _true(value: Any) -> bool:
    return str(value).lower() == "true"

"""Which reads the items of a row need, one for each object, and what they come to. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, TypeAlias

import orjson

from bulkexo.compare import Assessed, Change, apart, assess, names_of, reading, reference, references, unread
from bulkexo.compare.items import NAMES, SECRET
from bulkexo.facts import Shape, mastered, subject, twin
from bulkexo.facts.naming import NEW_NAMES, identity_parameter
from bulkexo.journal.lines import trimmed
from bulkexo.model import Failure, Item, Outcome
from bulkexo.wire.cmdlets import verb
from bulkexo.wire.doors import COMPLIANCE_API
from bulkexo.wire.errors import last_part
from bulkexo.wire.repeat import GONE

KEPT = 50_000
"""Objects of answers that serve many rows (members of a group, a manager) kept in memory."""

WAITS = "It takes values that an earlier step returns."

Key: TypeAlias = bytes
"""What a read asks, and of which tenant."""


@dataclass(slots=True)
class Answer:
    """What a read has shown. found: None if there is no such object. failure: why nobody knows."""

    found: list[Any] | None
    failure: Failure | None = None
    whole: bool = True

    @classmethod
    def of(cls, outcome: Outcome, pages: Sequence[Any] = ()) -> Answer:
        """That of an outcome. pages: what came before its end."""
        error = outcome.error
        if error is None:
            return cls([*pages, *outcome.value])
        if GONE.said(error):
            entries = last_part(error.type) == "UserNotFoundInPermissionEntryException"
            return cls([] if entries else None)
        return cls([], error)


@dataclass(slots=True)
class Group:
    """Items of one row that concern one object, in order. read: of the object, b"" if there is none. owner:
    of the group whose members `read` shows. names: of other recipients, with the reads of these. made: the
    steps before which an earlier step of the row makes the object."""

    items: list[Item]
    read: Key = b""
    owner: Key = b""
    made: set[int] = field(default_factory=set)
    names: dict[str, Key] = field(default_factory=dict)
    answers: dict[Key, Answer] = field(default_factory=dict)

    @property
    def needs(self) -> set[Key]:
        """The reads it waits for."""
        wanted = (self.read, self.owner, *self.names.values())
        return {key for key in wanted if key and key not in self.answers}

    def assessed(self) -> Iterator[tuple[Item, Assessed]]:
        """Each item with what it would change, given what those before it change; once nothing is needed."""
        known: dict[str, frozenset[str]] = {}
        for name, key in self.names.items():
            found = self.answers[key].found
            if found and isinstance(found[0], Mapping):
                known[reference(name)] = names_of(found[0])
        answer = self.answers.get(self.read)
        overlay: dict[str, Any] = {}
        for item in self.items:
            yield item, self._one(item, answer, known, overlay)

    def _one(
        self,
        item: Item,
        answer: Answer | None,
        names: Mapping[str, frozenset[str]],
        overlay: dict[str, Any],
    ) -> Assessed:
        if answer is None:
            return unread(item) if not item.pending else Assessed(Change.UNKNOWN, why=WAITS)
        if answer.failure is not None:
            return Assessed(Change.UNKNOWN, why=f"It could not be read: {answer.failure.message}")
        found = answer.found
        if not found and item.step in self.made:
            return Assessed(Change.CHANGE, why="An earlier step of the row makes the object.")
        if found and overlay and isinstance(found[0], Mapping):
            found = [_over(found[0], overlay), *found[1:]]
        known_now = {name: value for name, value in item.parameters.items() if name not in item.pending}
        assessed = assess(replace(item, parameters=known_now), found, names, whole=answer.whole)
        if item.pending and assessed.change in (Change.NONE, Change.CHANGE):
            assessed = replace(assessed, change=Change.UNKNOWN, why=WAITS)
        owner = self.answers.get(self.owner)
        if owner is not None and owner.found and isinstance(owner.found[0], Mapping):
            assessed = apart(item, owner.found[0], assessed)
        known = twin(item.cmdlet)
        if known is not None and known.shape is Shape.OBJECT:
            for each in assessed.differences:
                shown = known.shown(each.name)
                if shown is not None and each.same is False and each.after != SECRET:
                    overlay[shown.property] = each.after
        return assessed


class Groups:
    """The reads of one plan. Answers that many rows share are asked for once, kept while there is room."""

    def __init__(self) -> None:
        self._waiting: dict[Key, list[Group]] = {}
        self._kept: OrderedDict[Key, Answer] = OrderedDict()
        self._size = 0

    def of(self, items: Iterable[Item]) -> Iterator[tuple[Item | None, Key, Group | None]]:
        """For each row: reads to be made, with the key by which `answer` takes them, and groups that are
        complete without any."""
        for _, row in groupby(items, lambda item: item.row):
            for group, reads in self._row(list(row)):
                for key, read in reads:
                    group_waits = self._waiting.setdefault(key, [])
                    group_waits.append(group)
                    if len(group_waits) == 1:
                        yield read, key, None
                if not reads:
                    yield None, b"", group

    def answer(self, key: Key, answer: Answer) -> list[Group]:
        """Take in an answer; the groups that wait for nothing more."""
        waiting = self._waiting.pop(key, [])
        for group in waiting:
            group.answers[key] = answer
        if any(key in group.names.values() for group in waiting) or len(waiting) > 1 or _shared(waiting, key):
            self._keep(key, answer)
        return [group for group in waiting if not group.needs]

    def _row(self, items: list[Item]) -> Iterator[tuple[Group, list[tuple[Key, Item]]]]:
        """The groups of a row, and the reads each waits for that are not answered yet."""
        made: set[str] = set()
        groups: dict[Key, tuple[Group, Item]] = {}
        for item in items:
            if verb(item.cmdlet) == "new":
                made |= {
                    str(item.parameters[name]).casefold() for name in NEW_NAMES if name in item.parameters
                }
                made |= {str(item.parameters.get("Alias", "")).casefold()} - {""}
            read = None if item.pending.keys() & {identity_parameter(item.cmdlet)} else reading(item)
            if read is None:
                yield Group([item]), []
                continue
            key = _key(read, ())
            created = (
                {item.step} if item.identity.casefold() in made and verb(item.cmdlet) != "new" else set()
            )
            if key in groups:
                group, first = groups[key]
                group.items.append(item)
                group.made |= created
                select = (
                    tuple(dict.fromkeys([*first.select, *read.select]))
                    if first.select and read.select
                    else ()
                )
                groups[key] = group, replace(first, select=select)
            else:
                groups[key] = Group([item], made=created), read
        for group, read in groups.values():
            group.read = _key(read, read.select)
            yield group, self._reads(group, read)

    def _reads(self, group: Group, read: Item) -> list[tuple[Key, Item]]:
        wanted = {group.read: read}
        if (owner := _owner(group.items[0], read)) is not None:
            group.owner = _key(owner, owner.select)
            wanted[group.owner] = owner
        for item in group.items:
            for name in references(item) if item.api != COMPLIANCE_API else ():
                asked = replace(read, cmdlet="Get-Recipient", parameters={"Identity": name}, select=NAMES)
                group.names[name] = _key(asked, NAMES)
                wanted[group.names[name]] = asked
        found = []
        for each, asked in wanted.items():
            if (kept := self._kept.get(each)) is not None:
                self._kept.move_to_end(each)
                group.answers[each] = kept
            else:
                found.append((each, asked))
        return found

    def _keep(self, key: Key, answer: Answer) -> None:
        size = 1 + len(answer.found or ())
        if answer.failure is not None or size > KEPT // 2:
            return
        self._kept[key] = answer
        self._size += size
        while self._size > KEPT:
            _, gone = self._kept.popitem(last=False)
            self._size -= 1 + len(gone.found or ())


def _owner(item: Item, read: Item) -> Item | None:
    """The read that tells whether the group is mastered on-premises whose members `read` shows."""
    known = twin(item.cmdlet)
    if known is None or known.shape is not Shape.MEMBERS or not mastered(item.cmdlet, item.parameters):
        return None
    asked = {"Identity": item.identity}
    return replace(read, cmdlet=subject(item.cmdlet), parameters=asked, select=("IsDirSynced",))


def _shared(groups: Sequence[Group], key: Key) -> bool:
    """Whether rows to come may need the answer too: of a group, or of its members."""
    concerned = (group for group in groups if key in (group.read, group.owner))
    shapes = (twin(item.cmdlet) for group in concerned for item in group.items)
    return any(each is not None and each.shape is Shape.MEMBERS for each in shapes)


def _over(found: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name.lower(): value for name, value in overlay.items()}
    return {name: changed.get(name.lower(), value) for name, value in found.items()}


def _key(read: Item, select: Sequence[str]) -> Key:
    asked = {name: str(value).casefold() for name, value in read.parameters.items()}
    named = [read.tenant, read.api, read.cmdlet, asked, select]
    return trimmed(orjson.dumps(named, option=orjson.OPT_SORT_KEYS))

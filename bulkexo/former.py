"""What there was before an item: which read shows it, and what of the answer is kept. Pure. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bulkexo.facts import Shape, Twin, Way, catalogue, inverse, twin
from bulkexo.model import Item
from bulkexo.schedule.before import Ending, Found

RENAMING = frozenset(
    {
        "name", "alias", "displayname", "userprincipalname", "microsoftonlineservicesid",
        "primarysmtpaddress", "windowsemailaddress", "emailaddresses",
    }
)  # fmt: skip
"""Parameters, in lower case, that can change the name by which the row knows its object."""

ADDRESSING = RENAMING - {"name", "displayname"}
"""Those that can change which addresses the object has, beside what they say themselves."""

ID, ADDRESSES = "Guid", "EmailAddresses"
MEMBER_NAMES = ("Guid", "PrimarySmtpAddress", "Name")
"""Properties of a member by which it can be named again."""
ENTRY_NAMES = ("IsInherited", "Deny", "AccessRights", "SharingPermissionFlags", "InheritanceType")

Judge = Callable[[Item, Twin, Found], Ending | None]
"""Says what becomes of an item by what is there now: None if it is to be sent."""


class Keep(Protocol):
    """Takes what is to be kept, so that it is on disk before the item is sent (see lines.former)."""

    def __call__(self, item: Item, twin: str, before: Any, *, whole: bool) -> None:
        """Take it in."""


class Formers:
    """Reads the twin of what is about to be sent (schedule.Before). settled: how an item ends that needs no
    read for that. judge: asked first, with what was read. keep: takes the items that are sent and can be
    undone, and what there was before them where undoing needs it."""

    def __init__(
        self,
        *,
        keep: Keep | None = None,
        judge: Judge | None = None,
        settled: Callable[[Item], Ending | None] | None = None,
    ) -> None:
        self.keep = keep
        self._judge = judge
        self._settled = settled

    def question(self, item: Item) -> Item | Ending | None:
        """The read of the item's twin, if anybody needs it."""
        if self._settled and (ending := self._settled(item)):
            return ending
        shows = twin(item.cmdlet)
        read = None
        if shows is not None and (self._judge or (self.keep and needed(item, shows))):
            read = read_of(item, shows)
        if read is None and self.keep and inverse(item.cmdlet):
            self.keep(item, "", None, whole=True)
        return read

    def answer(self, item: Item, found: Found) -> Ending | None:
        """Judge, and keep what there was before an item that goes."""
        shows = twin(item.cmdlet)
        if shows is None:
            return None
        ending = self._judge(item, shows, found) if self._judge else None
        if ending is None and self.keep and inverse(item.cmdlet):
            self.keep(item, shows.cmdlet, kept(item, shows, found), whole=found.whole)
        return ending


def needed(item: Item, shows: Twin) -> bool:
    """Whether undoing the item needs to know what there was before. Of a member it does not: one that was
    there already is no success of adding it."""
    undoes = inverse(item.cmdlet)
    if undoes is None or undoes.way is Way.CREATED:
        return False
    if undoes.way is Way.OPPOSITE and shows.shape is Shape.MEMBERS:
        return False
    return shows.shape is not Shape.OBJECT or bool(shows.properties(_given(item)))


def read_of(item: Item, shows: Twin) -> Item | None:
    """The read that shows what the item changes; None if the item does not name its object."""
    asked = shows.question(item.parameters)
    if asked is None:
        return None
    select: tuple[str, ...] = ()
    getter = catalogue.cmdlet(shows.cmdlet)
    if shows.shape is Shape.OBJECT:
        select = shows.properties(_given(item))
        select = tuple(dict.fromkeys([*select, *_more(item)])) if select else ()
    elif shows.shape is Shape.MEMBERS and getter and getter.parameter("ResultSize"):
        asked["ResultSize"] = "Unlimited"
    return Item(
        item.row, item.step, shows.cmdlet, "", asked, {}, select=select, api=item.api, tenant=item.tenant
    )  # fmt: skip


def kept(item: Item, shows: Twin, found: Found) -> Any:
    """What is kept of an answer: of an object the properties that the item touches, of a list the entries or
    the names of the members; None if there is no such object."""
    objects = [each for each in found.value if isinstance(each, Mapping)]
    if shows.shape is Shape.OBJECT:
        if not found.there or len(objects) != 1:
            return None
        return _members(objects[0], (*shows.properties(_given(item)), *_more(item)))
    names = (shows.entry, *ENTRY_NAMES) if shows.shape is Shape.ENTRIES else MEMBER_NAMES
    return [_members(each, names) for each in objects]


def _members(found: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of an object's members that it has, by the names that are asked for."""
    by_name = {name.lower(): value for name, value in found.items()}
    return {name: by_name[name.lower()] for name in dict.fromkeys(names) if name.lower() in by_name}


def _given(item: Item) -> list[str]:
    """The parameters whose values are no secret."""
    return [name for name in item.parameters if name not in item.secrets]


def _more(item: Item) -> list[str]:
    """Properties beside those of the parameters: by which an object that is renamed is found again, and the
    addresses that change with its name."""
    given = {name.lower() for name in item.parameters}
    return [*([ID] if given & RENAMING else []), *([ADDRESSES] if given & ADDRESSING else [])]

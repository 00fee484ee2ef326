"""What to ask a tenant about an item before it is sent, and what the answer means. Pure; every question is a
Get- cmdlet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from bulkexo.facts import mastered, names_object, subject
from bulkexo.facts.subjects import getter, names_folder
from bulkexo.model import Failure, Item, Outcome, Problem, Value
from bulkexo.wire.cmdlets import verb
from bulkexo.wire.doors import ENDPOINTS, V2_API
from bulkexo.wire.errors import last_part
from bulkexo.wire.repeat import GONE, question

RECIPIENTS = frozenset(
    {"mailbox", "mailuser", "mailcontact", "distributiongroup", "dynamicdistributiongroup", "unifiedgroup"}
)
"""Nouns of what has an address in the directory, where names and addresses are taken once."""

NEW_NAMES = ("MicrosoftOnlineServicesID", "UserPrincipalName", "PrimarySmtpAddress", "Alias", "Name")


class Want(Enum):
    """What the answer should be."""

    THERE = auto()
    FREE = auto()


@dataclass(frozen=True, slots=True)
class Question:
    """One read. about: the item; name: what is looked for; want: whether it should be there. synced: names of
    the item's parameters that are changed on-premises where the object is mastered there."""

    about: Item
    want: Want
    name: str
    cmdlet: str
    parameters: Mapping[str, Value]
    select: tuple[str, ...] = ()
    synced: tuple[str, ...] = ()

    def item(self, number: int) -> Item:
        """The read as an item of its own, with this number as its row."""
        about = self.about
        return Item(
            number, 1, self.cmdlet, "", self.parameters, {}, select=self.select, api=about.api,
            tenant=about.tenant,
        )  # fmt: skip


class Questions:
    """The questions of items, in their order.

    What an earlier step of a row makes cannot be there yet for the later ones, and what two steps of a row
    would both ask is asked once.
    """

    def __init__(self) -> None:
        self._row = 0
        self._made: set[str] = set()
        self._asked: set[tuple[Want, str, str]] = set()

    def of(self, item: Item) -> Iterator[Question]:
        """Those of the next item; none where nobody knows how to ask."""
        if item.row != self._row:
            self._row = item.row
            self._made.clear()
            self._asked.clear()
        if item.pending:  # what earlier steps fill in is not known yet
            known = {name: value for name, value in item.parameters.items() if name not in item.pending}
            item = replace(item, parameters=known)
        if verb(item.cmdlet) == "new":
            found = _of_new(item)
            self._made |= {
                str(item.parameters[name]).casefold() for name in NEW_NAMES if name in item.parameters
            }
        else:
            there = _of_subject(item)
            missing = there is not None and there.name.casefold() not in self._made
            found = [*([there] if there and missing else []), *_addresses(item)]
        for each in found:
            key = (each.want, each.cmdlet.lower(), each.name.casefold())
            if each.synced or key not in self._asked:
                self._asked.add(key)
                if item.api != V2_API or each.cmdlet.lower() in ENDPOINTS:
                    yield each


def finding(asked: Question, outcome: Outcome, place: str) -> Problem | None:
    """What is wrong with the item, going by the answer; None if nothing is. place: the job's name."""
    item, error = asked.about, outcome.error
    where = f"{place}, row {item.row}"
    if error is not None and last_part(error.type) == "ManagementObjectAmbiguousException":
        return Problem(where, f"{asked.name!r} means more than one object.", "Name one by its address.")
    if error is not None and not GONE.said(error):
        return _unasked(where, asked, error)
    found = [each for each in outcome.value if isinstance(each, dict)] if error is None else []
    if asked.want is Want.FREE:
        if not found or (verb(item.cmdlet) != "new" and names_object(found[0], item.identity)):
            return None
        kind = f" ({found[0]['RecipientTypeDetails']})" if found[0].get("RecipientTypeDetails") else ""
        what = f"{item.cmdlet} gives {asked.name!r}, which another object{kind} in the tenant has already."
        return Problem(where, what, "Choose another name or address, or delete the row.")
    if not found and not outcome.value:
        what = f"{item.cmdlet} concerns {asked.name!r}, which is not in the tenant."
        return Problem(where, what, "Correct the name, or delete the row.")
    if asked.synced and found and str(found[0].get("IsDirSynced")).lower() == "true":
        what = (
            f"{asked.name!r} is mastered on-premises, and {', '.join(asked.synced)} cannot be changed here."
        )
        return Problem(where, what, "Change it in the on-premises directory, or delete the row.")
    return None


def _unasked(where: str, asked: Question, error: Failure) -> Problem:
    what = f"{asked.name!r} could not be looked up by {asked.cmdlet}: {error.message}"
    return Problem(where, what, "Check the roles of this identity, or check again later.")


def _of_subject(item: Item) -> Question | None:
    """Whether the object that the item concerns is there."""
    if not item.identity:
        return None
    name = item.identity
    if isinstance(mailbox := item.parameters.get("Mailbox"), str) and mailbox:
        cmdlet, name = "Get-Mailbox", mailbox
    else:
        cmdlet = subject(item.cmdlet)
        name = name.partition(":")[0] if names_folder(item.cmdlet) else name
    if not cmdlet:
        return None
    synced = mastered(item.cmdlet, item.parameters)
    select = ("DisplayName", "IsDirSynced") if synced else ()
    return Question(item, Want.THERE, name, cmdlet, {"Identity": name}, select, synced)


def _of_new(item: Item) -> list[Question]:
    """Whether the names and addresses of what is to be made are free."""
    noun = item.cmdlet.partition("-")[2].lower()
    if noun in RECIPIENTS:
        names = [item.parameters[name] for name in NEW_NAMES if name in item.parameters and _open(item, name)]
        found = {str(name).casefold(): str(name) for name in names if name}
        return [_free(item, name) for name in found.values()]
    asked = question(item.cmdlet, item.identity, item.parameters)
    if asked is None or not getter(noun) or not isinstance(asked[1]["Identity"], str):
        return []
    if any(not _open(item, name) for name in ("Identity", "Name")):
        return []
    return [Question(item, Want.FREE, asked[1]["Identity"], asked[0], asked[1])]


def _addresses(item: Item) -> list[Question]:
    """Whether the addresses that are to be added are free, or the object's own."""
    table = item.parameters.get("EmailAddresses")
    if verb(item.cmdlet) == "get" or not isinstance(table, Mapping) or not _open(item, "EmailAddresses"):
        return []
    added = next((value for name, value in table.items() if name.lower() == "add"), None)
    texts = [added] if isinstance(added, str) else added if isinstance(added, list | tuple) else []
    bare = [text.partition(":")[2] or text for text in texts if isinstance(text, str)]
    return [_free(item, address) for address in bare if "@" in address]


def _free(item: Item, name: str) -> Question:
    return Question(item, Want.FREE, name, "Get-Recipient", {"Identity": name})


def _open(item: Item, name: str) -> bool:
    """Whether a parameter may be shown, as a problem would show it."""
    return name not in item.secrets

"""What undoes a cmdlet, once its former values are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final

from bulkexo.facts import catalogue
from bulkexo.facts.effects import BY_PARAMETER
from bulkexo.facts.naming import identity_parameter
from bulkexo.facts.states import STATES
from bulkexo.facts.twins import Shape, twin
from bulkexo.wire.cmdlets import verb


class Way(Enum):
    """How an inverse undoes."""

    VALUES = "values"
    """The same cmdlet, with the former values that its twin has shown."""
    OPPOSITE = "opposite"
    """The other of a pair: what one adds, the other removes. It concerns only what the first really changed:
    a right that was there before is not taken away."""
    CREATED = "created"
    """It removes what was made."""


@dataclass(frozen=True, slots=True)
class Inverse:
    """What undoes a cmdlet.

    of: the cmdlet undone; cmdlet: what undoes it. way: how. parameters: of the inverse, and those of `of`
    that they take their values from. before: parameters of the inverse that take theirs from a property of
    what the twin has shown before; one that is null, empty or `None` there is left out. loses: what it does
    not bring back, half a sentence, or "".
    """

    of: str
    cmdlet: str
    way: Way
    parameters: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    loses: str = ""

    def why_not(self, given: Iterable[str]) -> str:
        """Why this does not undo a sending of `of` with these parameters, half a sentence; "" if it does. Of
        VALUES each parameter tells for itself whether its former value is seen (`Twin.shown`)."""
        for name in given if self.way is not Way.VALUES else ():
            key = (self.of.lower(), name.lower())
            if why := NOT_WITH.get(key) or BY_PARAMETER.get(key):
                return why
        return ""


NOT_WITH: Final[Mapping[tuple[str, str], str]] = {
    ("add-mailboxpermission", "owner"): "nothing shows who owned it before",
    ("remove-mailboxpermission", "clearautomapping"): "nothing shows which users it was mapped for",
    ("remove-recipientpermission", "multitrustees"): "it is not known which of them had the right",
}
"""By name and parameter, both in lower case: what cannot be undone though the cmdlet can."""

_IRREVERSIBLE: Final[Mapping[str, str]] = {
    "remove-mailbox": "no cmdlet makes it again; Undo-SoftDeletedMailbox restores it for 30 days",
    "remove-unifiedgroup": "no cmdlet makes it again; Undo-SoftDeletedUnifiedGroup restores it for 30 days",
    "disable-mailbox": "what was in the mailbox or its archive does not come back by itself",
    "enable-mailbox": "taking it back would take the mailbox or its archive away",
}

_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "mailboxpermission": ("User", "AccessRights", "Deny", "InheritanceType", "GroupMailbox"),
    "recipientpermission": ("Trustee", "AccessRights"),
    "mailboxfolderpermission": ("User",),
    "publicfolderclientpermission": ("User",),
    "distributiongroupmember": ("Member", "BypassSecurityGroupManagerCheck"),
    "rolegroupmember": ("Member", "BypassSecurityGroupManagerCheck"),
    "unifiedgrouplinks": ("LinkType", "Links"),
    "compliancecasemember": ("Member",),
    "ediscoverycaseadmin": (),
}
"""Nouns of Add- and Remove- pairs: the parameters, besides the identity, that go over."""

_BEFORE: Final[Mapping[str, Mapping[str, str]]] = {
    "remove-mailboxfolderpermission": {
        "AccessRights": "AccessRights",
        "SharingPermissionFlags": "SharingPermissionFlags",
    },
    "remove-publicfolderclientpermission": {"AccessRights": "AccessRights"},
    "remove-mailboxpermission": {"AccessRights": "AccessRights", "InheritanceType": "InheritanceType"},
    "remove-recipientpermission": {"AccessRights": "AccessRights"},
}
"""What the inverse needs of the entry that was there. Of AccessRights that the cmdlet names itself,
those that were there before."""

_LOSES: Final = {
    "remove-mailboxpermission": "whether the mailbox opened by itself in the user's Outlook (AutoMapping)",
    "remove-unifiedgrouplinks": "when each of them joined",
}


@lru_cache(maxsize=512)
def inverse(cmdlet: str) -> Inverse | None:
    """What undoes the cmdlet; None if nothing does, or nobody knows: see `irreversible`."""
    known = catalogue.cmdlet(cmdlet)
    if known is None or known.name.lower() in _IRREVERSIBLE:
        return None
    name, word, noun = known.name, verb(known.name), known.name.partition("-")[2]
    own = identity_parameter(name)
    kept = (*([own] if own else ()), *_KEPT.get(noun.lower(), ()))
    if word in ("set", "update"):
        shows = twin(name)
        if shows is None or (word == "update" and shows.shape is not Shape.MEMBERS):
            return None
        where = (*kept[:1], *shows.also.values(), "BypassSecurityGroupManagerCheck")
        return Inverse(name, name, Way.VALUES, {each: each for each in where if known.parameter(each)})
    if word in ("add", "remove") and noun.lower() in _KEPT:
        other = f"{'Remove' if word == 'add' else 'Add'}-{noun}"
        return _paired(name, other, kept, Way.OPPOSITE)
    if word in ("enable", "disable") and name.lower() in STATES:
        other = f"{'Disable' if word == 'enable' else 'Enable'}-{noun}"
        return _paired(name, other, (*kept, "Mailbox"), Way.OPPOSITE)
    if word == "new":
        return _paired(name, f"Remove-{noun}", ("Mailbox",), Way.CREATED)
    return None


def _paired(name: str, other: str, kept: Iterable[str], way: Way) -> Inverse | None:
    """The other cmdlet, with what both of them take."""
    known, undoes = catalogue.cmdlet(name), catalogue.cmdlet(other)
    if known is None or undoes is None:
        return None
    before = _BEFORE.get(name.lower(), {})
    over = {
        each: each
        for each in dict.fromkeys(kept)
        if known.parameter(each) and undoes.parameter(each) and each not in before
    }
    return Inverse(name, undoes.name, way, over, before, _LOSES.get(name.lower(), ""))


def irreversible(cmdlet: str) -> str:
    """Why nothing undoes the cmdlet, as half a sentence; "" if `inverse` knows what does."""
    if inverse(cmdlet) is not None:
        return ""
    word = verb(cmdlet)
    known = catalogue.cmdlet(cmdlet)
    if known is None:
        return "the catalogue does not know it"
    if word in ("remove", "delete", "clear"):
        return _IRREVERSIBLE.get(cmdlet.lower(), "no cmdlet makes again what it removes")
    if word in ("set", "update", "enable", "disable"):
        return _IRREVERSIBLE.get(cmdlet.lower(), "nothing shows the values that it changes")
    return _IRREVERSIBLE.get(cmdlet.lower(), "it does something that no other cmdlet takes back")

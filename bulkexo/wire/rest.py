"""The REST-only cmdlets: which GET each is, and which classic cmdlet stands in where that is not known.

InvokeCommand does not run Get-EXO* (protocol.md, "REST-only cmdlets"). Their endpoints are known from
clients only, so that each is one row of a table here; a parameter that the row does not know sends the
classic twin instead, with the same parameters, and the item says so in a warning.
"""

from __future__ import annotations

import base64
import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

import orjson

from bulkexo.model import Value

PLAIN = re.compile(r"[A-Za-z0-9@._-]+", re.ASCII)
"""An identity that stands in a path as it is; any other goes in base64."""

MAILBOX_NAMES = ("Identity", "UserPrincipalName", "PrimarySmtpAddress", "ExternalDirectoryObjectId")
"""Parameters that name the object, the best first."""

PROPERTIES = frozenset({"Properties", "PropertySets"})
"""Parameters that choose what is returned; the classic twins have none of them, and are sent `$select`."""

OPERATOR = re.compile(r"-(eq|ne|gt|ge|lt|le|and|or|not)\b", re.IGNORECASE)
QUOTED = re.compile(r"('(?:[^']|'')*')")
OTHER_OPERATOR = re.compile(r"-\s*[A-Za-z]+\b|[*$\"{}]")


@dataclass(frozen=True, slots=True)
class Entity:
    """How a Get-EXO* cmdlet is read. path: below the tenant, `{id}` where the identity stands. whole: without
    an identity, "" where it needs one. twin: the classic cmdlet. parameters: those known, beside the names.
    names: the parameters that name the object, the best first."""

    twin: str
    path: str
    whole: str = ""
    parameters: frozenset[str] = frozenset()
    names: tuple[str, ...] = MAILBOX_NAMES


_LIST = frozenset({"PropertySets", "Properties", "Filter", "ResultSize"})

TABLE: Mapping[str, Entity] = {
    "get-exomailbox": Entity("Get-Mailbox", "Mailbox('{id}')", "Mailbox", _LIST),
    "get-exorecipient": Entity("Get-Recipient", "Recipient('{id}')", "Recipient", _LIST),
    "get-exocasmailbox": Entity("Get-CASMailbox", "CasMailbox('{id}')", "CasMailbox", _LIST),
    "get-exomailboxpermission": Entity(
        "Get-MailboxPermission", "Mailbox('{id}')/MailboxPermission", parameters=frozenset({"ResultSize"})
    ),
    "get-exorecipientpermission": Entity(
        "Get-RecipientPermission",
        "Recipient('{id}')/RecipientPermission",
        parameters=frozenset({"ResultSize"}),
    ),
    "get-exomailboxstatistics": Entity(
        "Get-MailboxStatistics",
        "Mailbox('{id}')/Exchange.GetMailboxStatistics()",
        parameters=frozenset({"PropertySets", "Properties"}),
    ),
    "get-exomailboxfolderstatistics": Entity(
        "Get-MailboxFolderStatistics",
        "Mailbox('{id}')/MailboxFolder/Exchange.GetMailboxFolderStatistics"
        "(folderscope=Exchange.ElcFolderType'{scope}')",
        parameters=frozenset({"FolderScope"}),
    ),
    "get-exomobiledevicestatistics": Entity(
        "Get-MobileDeviceStatistics",
        "Mailbox('{id}')/MobileDevice/Exchange.GetMobileDeviceStatistics()",
        names=("Mailbox", *MAILBOX_NAMES[1:]),
    ),
    "get-exomailboxfolderpermission": Entity("Get-MailboxFolderPermission", ""),
}
"""By name in lower case. An empty path: the wire is not known at all."""


@dataclass(frozen=True, slots=True)
class Read:
    """A GET. path: below the tenant's URL, query included."""

    path: str


@dataclass(frozen=True, slots=True)
class Twin:
    """The classic cmdlet instead, with its parameters and what is selected. why: half a sentence."""

    cmdlet: str
    parameters: Mapping[str, Value]
    select: tuple[str, ...]
    why: str


def rest_only(cmdlet: str) -> bool:
    """Whether it is one of them."""
    return cmdlet.lower() in TABLE


def translate(cmdlet: str, parameters: Mapping[str, Value], select: Sequence[str] = ()) -> Read | Twin | None:
    """What is sent for a Get-EXO* cmdlet; None for any other cmdlet.

    parameters: by their exact names. select: further properties wanted.
    """
    entity = TABLE.get(cmdlet.lower())
    if entity is None:
        return None
    given = {_known(name): value for name, value in parameters.items() if value is not None}
    named = next((str(given[name]) for name in entity.names if given.get(name)), "")
    why = unknown(cmdlet, given) or _unreadable(entity, given, named)
    wanted = _wanted(cmdlet, given, select)
    if why:
        return _twin(entity, given, named, wanted or (), why)
    query = []
    path = entity.whole
    if named:
        plain = PLAIN.fullmatch(named)
        spelled = named if plain else base64.b64encode(named.encode()).decode()
        path = entity.path.replace("{id}", quote(spelled, safe="@"))
        query += [] if plain else ["IsEncoded=True"]
    path = path.replace("{scope}", quote(str(given.get("FolderScope", "All")), safe=""))
    if wanted:
        query.append(f"$select={quote(','.join(wanted), safe=',')}")
    elif sets := _texts(given.get("PropertySets")):
        query.append(f"PropertySet={quote(','.join(sets), safe=',')}")
    if "Filter" in given:
        query.append(f"$filter={quote(odata(str(given['Filter'])) or '', safe='')}")
    if (top := str(given.get("ResultSize", "Unlimited"))).isdigit():
        query.append(f"$top={top}")
    return Read(path + (f"?{'&'.join(query)}" if query else ""))


def unknown(cmdlet: str, names: Sequence[str] | Mapping[str, Value]) -> str:
    """Half a sentence if the GET of a cmdlet, or of a parameter given for it, is not known; else ""."""
    entity = TABLE[cmdlet.lower()]
    if not entity.path:
        return "how the service reads it is not known"
    strange = [name for name in map(_known, names) if name not in {*entity.names, *entity.parameters}]
    return f"how the service reads -{strange[0]} is not known" if strange else ""


def odata(text: str) -> str | None:
    """A filter as PowerShell writes it, in OData's words; None if it says more than comparisons, or compares
    with a truth, which the loader has made a text, as InvokeCommand wants it."""
    parts = QUOTED.split(text.strip())
    if {"'true'", "'false'"} & {part.lower() for part in parts[1::2]}:
        return None
    for position in range(0, len(parts), 2):  # between the quoted texts
        plain = OPERATOR.sub(lambda found: found[1].lower(), parts[position])
        if OTHER_OPERATOR.search(plain):
            return None
        parts[position] = plain
    return "".join(parts)


@cache
def property_sets() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Cmdlet and PropertySet, both in lower case, to the properties it returns."""
    data = pkgutil.get_data("bulkexo", "data/property-sets.json") or b"{}"
    sets: dict[str, dict[str, list[str]]] = orjson.loads(data)
    return {
        cmdlet.lower(): {name.lower(): properties for name, properties in named.items()}
        for cmdlet, named in sets.items()
    }


def _wanted(cmdlet: str, given: Mapping[str, Value], select: Sequence[str]) -> tuple[str, ...] | None:
    """The properties to select; none where PropertySet says it all, or everything is wanted. Properties come
    beside the set Minimum, as in Microsoft's module; `select` means those and no others."""
    properties = _texts(given.get("Properties"))
    sets = [name.lower() for name in _texts(given.get("PropertySets"))]
    if not (properties or select) or "*" in properties or "all" in sets:
        return None
    known = property_sets().get(cmdlet.lower(), {})
    found = [name for each in sets or (["minimum"] if properties else []) for name in known.get(each, ())]
    return tuple(dict.fromkeys([*found, *properties, *select]))


def _unreadable(entity: Entity, given: Mapping[str, Value], named: str) -> str:
    if not (named or entity.whole):
        return "how the service reads it without a mailbox is not known"
    if "Filter" in given and (odata(str(given["Filter"])) is None or named):
        return "how the service reads this -Filter is not known"
    return ""


def _twin(entity: Entity, given: Mapping[str, Value], named: str, select: tuple[str, ...], why: str) -> Twin:
    kept = {name: value for name, value in given.items() if name not in PROPERTIES}
    for name in entity.names:
        kept.pop(name, None)
    own = entity.names[0]
    return Twin(entity.twin, {own: named, **kept} if named else kept, select, why)


def _known(name: str) -> str:
    """`Folderscope`, as the reference writes it once, is FolderScope."""
    return "FolderScope" if name.lower() == "folderscope" else name


def _texts(value: Value) -> list[str]:
    """The names in a list, or in a text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(each) for each in value] if isinstance(value, list | tuple) else []

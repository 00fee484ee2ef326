"""What is known of the service's cmdlets: spelling, parameters, types. Data about the service, not a promise.

The data is `bulkexo/data/catalogue.tsv`, made by `tools/build_catalogue.py`, which tells its format.
It is read at the first question, and only the lines of the cmdlets asked for are taken apart.
"""

from __future__ import annotations

import difflib
import pkgutil
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, lru_cache

from bulkexo.model import Form

EXCHANGE = "exchange-online"
COMPLIANCE = "security-compliance"


class Kind(Enum):
    """What a parameter takes, as far as a loader has to know."""

    SWITCH = "switch"
    BOOL = "bool"
    ARRAY = "array"
    """An array, or the hashtable of Add and Remove."""
    HASHTABLE = "hashtable"
    BYTES = "bytes"
    SECURE = "secure"
    """SecureString: a secret text that the service wants encrypted."""
    CREDENTIAL = "credential"
    """PSCredential: a name and a password as one object."""
    DATE = "date"
    FILTER = "filter"
    """A filter in PowerShell's words, in which `$true` and `$false` are texts."""
    NUMBER = "number"
    """A number, a size or a duration, written as text or as a number."""
    TEXT = "text"
    """Text, an identity, an enumeration: anything that is written as text."""


_NUMBERS = """
    Int16 Int32 Int64 UInt16 UInt32 UInt64 Double TimeSpan EnhancedTimeSpan ByteQuantifiedSize
    Unlimited UnlimitedInt Unlimited`1[System.UInt32]
"""
_KINDS = {
    "SwitchParameter": Kind.SWITCH,
    "Boolean": Kind.BOOL,
    "Byte[]": Kind.BYTES,
    "PswsHashtable": Kind.HASHTABLE,
    "Hashtable": Kind.HASHTABLE,
    "SecureString": Kind.SECURE,
    "PSCredential": Kind.CREDENTIAL,
    **dict.fromkeys(("DateTime", "ExDateTime", "DateTimeOffset"), Kind.DATE),
    "ProxyAddressCollection": Kind.ARRAY,
    "ProxyAddressTemplateCollection": Kind.ARRAY,
    "ApprovedApplicationCollection": Kind.ARRAY,
    **dict.fromkeys(_NUMBERS.split(), Kind.NUMBER),
}
_FORMS = {
    "Byte[]": Form.BYTES,
    "Byte[][]": Form.BYTE_ARRAYS,
    "Hashtable[]": Form.TABLES,
    "PswsHashtable[]": Form.TABLES,
    "SecureString": Form.SECURE,
}
_MULTIVALUED = re.compile(r"<?Mul(?:ti|it)ValuedProperty>?")  # the reference misspells it once
_NAMESPACE = re.compile(r"^(?:[A-Za-z]+\.)+")


def kind_of(type_name: str) -> Kind:
    """The kind of a parameter with this .NET type, as the reference writes types."""
    short = _NAMESPACE.sub("", type_name)
    if short in _KINDS:
        return _KINDS[short]
    if short.endswith("[]") or _MULTIVALUED.fullmatch(short):
        return Kind.ARRAY
    return Kind.TEXT


def form_of(type_name: str) -> Form | None:
    """How a value of this .NET type goes over the wire, where that is not plain JSON."""
    return _FORMS.get(_NAMESPACE.sub("", type_name))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a cmdlet. required: in every parameter set, not just in one."""

    name: str
    type: str
    kind: Kind
    required: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """A cmdlet. service: "exchange-online", "security-compliance" or both.

    rest_only: it exists in Microsoft's module, and InvokeCommand does not run it.
    """

    name: str
    service: tuple[str, ...]
    rest_only: bool
    parameters: tuple[Parameter, ...]
    _by_name: Mapping[str, Parameter] = field(repr=False, compare=False)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of this name or alias, in any case; None if there is none."""
        return self._by_name.get(name.lower())

    def nearest(self, name: str) -> str | None:
        """The parameter whose name is most like `name`, if one is like it at all."""
        return nearest(name, (parameter.name for parameter in self.parameters))


def made(
    name: str, service: Sequence[str], parameters: Sequence[Parameter], *, rest_only: bool = False
) -> Cmdlet:
    """A cmdlet of these parameters."""
    by_name = {alias.lower(): parameter for parameter in reversed(parameters) for alias in parameter.aliases}
    by_name |= {parameter.name.lower(): parameter for parameter in parameters}
    return Cmdlet(name, tuple(service), rest_only, tuple(parameters), by_name)


@lru_cache(maxsize=256)
def cmdlet(name: str) -> Cmdlet | None:
    """The cmdlet of this name, in any case; None if the catalogue does not know it."""
    line = _lines().get(name.lower())
    return _read(line.decode("utf-8")) if line else None


def nearest_cmdlet(name: str) -> str | None:
    """The cmdlet whose name is most like `name`, if one is like it at all."""
    return nearest(name, names(), 0.75)  # 941 names: something is always a little like it


def may_be_secret(name: str) -> bool:
    """Whether any cmdlet's parameter `name` holds text that could be a secret; True if no cmdlet has it."""
    found = re.findall(rb"(?i)\t%s:(\d+)" % re.escape(name.encode("utf-8", "replace")), _data())
    kinds = {kind_of(_types()[int(number)]) for number in found}
    return not found or bool(kinds - {Kind.SWITCH, Kind.BOOL, Kind.NUMBER})


def nearest(name: str, candidates: Iterable[str], likeness: float = 0.6) -> str | None:
    """The candidate most like `name`, case ignored; None if none is as like as this (1.0: the same)."""
    known = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.lower()[:100], known, n=1, cutoff=likeness)
    return known[found[0]] if found else None


@cache
def _data() -> bytes:
    return pkgutil.get_data("bulkexo", "data/catalogue.tsv") or b""


@cache
def _types() -> tuple[str, ...]:
    return tuple(_data()[: _data().index(b"\n")].decode("utf-8").split("\t")[1:])


@cache
def names() -> tuple[str, ...]:
    """The cmdlets that the catalogue knows, sorted."""
    return tuple(line.partition(b"\t")[0].decode("utf-8") for line in _lines().values())


@cache
def _lines() -> Mapping[str, bytes]:
    """The line of each cmdlet, by its name in lower case."""
    lines = _data().splitlines()[1:]
    return {line.partition(b"\t")[0].decode("utf-8").lower(): line for line in lines}


def _read(line: str) -> Cmdlet:
    name, flags, *fields = line.split("\t")
    services = {"e": EXCHANGE, "s": COMPLIANCE}
    service = tuple(services[flag] for flag in flags if flag in services)
    return made(name, service, [_parameter(text) for text in fields], rest_only="r" in flags)


def _parameter(text: str) -> Parameter:
    name, _, rest = text.partition(":")
    number, *aliases = rest.split(",")
    type_name = _types()[int(number.rstrip("!"))]
    kind = Kind.FILTER if type_name == "String" and name.endswith("Filter") else kind_of(type_name)
    return Parameter(name, type_name, kind, number.endswith("!"), tuple(aliases))

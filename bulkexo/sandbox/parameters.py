"""How a cmdlet's parameters are bound: names, types, and what a hashtable does to a list.

`parameters.json` holds the names and types of the sandbox's cmdlets, from the catalogue of Microsoft's
public reference: `{cmdlet: {"required": [names in every parameter set], type: "Name Name …", …}}`. To make
it anew, read the catalogue's lines of these cmdlets, group each line's `parameters` by `type`, and keep as
required those whose `sets` are all the sets that the line names.

Rules, from `protocol.md` ("Request", "Second reading: Values"): switches and booleans are JSON booleans; a
hashtable carries `"@odata.type": "#Exchange.GenericHashTable"` as its first member, else
`ParameterTransformationException`; names match without case; a SecureString is RSA text in base64.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from bulkexo.sandbox import errors

HASHTABLE: Final = "#Exchange.GenericHashTable"
_COMMON = (
    "Debug ErrorAction ErrorVariable InformationAction InformationVariable OutBuffer OutVariable "
    "PipelineVariable Verbose WarningAction WarningVariable"
)
_ALIASES = {"cf": "Confirm", "wi": "WhatIf"}
_SCALARS = (str, int, float, bool)


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to happen to a multivalued property: `replace` it, or (None) `add` and `remove`."""

    replace: tuple[str, ...] | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def applied(self, current: list[str]) -> list[str]:
        """The new values; additions that are there and removals that are not change nothing."""
        if self.replace is not None:
            return list(dict.fromkeys(self.replace))
        gone = {value.casefold() for value in self.remove}
        kept = [value for value in current if value.casefold() not in gone]
        have = {value.casefold() for value in kept}
        return kept + [value for value in dict.fromkeys(self.add) if value.casefold() not in have]


Bound = dict[str, Any]
"""Exact parameter names to values: bool, int, str or None, or an Edit."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of one cmdlet. types: exact name to type. names: lower-case name to exact name."""

    cmdlet: str
    types: Mapping[str, str]
    names: Mapping[str, str]
    required: tuple[str, ...]

    def secrets(self) -> frozenset[str]:
        """Names of the parameters whose values may appear nowhere."""
        return frozenset(
            name for name, kind in self.types.items() if kind in {"SecureString", "PSCredential"}
        )


def _signature(cmdlet: str, line: Mapping[str, Any]) -> Signature:
    types = {
        name: kind for kind, names in line.items() if isinstance(names, str) for name in names.split(" ")
    }
    names = {name.lower(): name for name in types}
    for alias, name in _ALIASES.items():
        if name in types:
            names[alias] = name
    return Signature(cmdlet, types, names, tuple(line["required"]))


def load() -> dict[str, Signature]:
    """Signatures of every cmdlet the sandbox has, by lower-case name."""
    text = resources.files("bulkexo.sandbox").joinpath("parameters.json").read_text(encoding="utf-8")
    return {cmdlet.lower(): _signature(cmdlet, line) for cmdlet, line in json.loads(text).items()}


def bind(signature: Signature, given: Mapping[str, Any]) -> Bound:
    """Check names and types. Raises CmdletError as the service would answer."""
    bound: Bound = {}
    for key, value in given.items():
        if "@" in key:
            continue
        name = signature.names.get(key.lower())
        if name is None:
            if key.lower() in _COMMON_NAMES:
                continue
            raise errors.unknown_parameter(key)
        if name in bound:
            raise errors.CmdletError(
                "System.Management.Automation.ParameterBindingException",
                f"Cannot bind parameter because parameter '{name}' is specified more than once.",
            )
        bound[name] = _converter(signature.types[name])(name, value)
    missing = [name for name in signature.required if name not in bound]
    if missing:
        raise errors.missing_parameters(" ".join(missing))
    for name in signature.required:
        if bound[name] is None or bound[name] == "":
            empty = "null" if bound[name] is None else "an empty string"
            raise errors.transformation(
                name, f"Cannot bind argument to parameter '{name}' because it is {empty}."
            )
    return bound


def group(kind: str) -> str:
    """The family of a parameter type: bool, int, secret, list (takes Add and Remove), array or text."""
    if kind in {"SwitchParameter", "Boolean", "System.Boolean"}:
        return "bool"
    if kind in {"Int32", "System.Int32"}:
        return "int"
    if kind in {"SecureString", "PSCredential"}:
        return "secret"
    if kind in {"MultiValuedProperty", "ProxyAddressCollection"}:
        return "list"
    return "array" if kind.endswith("[]") else "text"


_NULLABLE: Final = frozenset(
    {
        "SmtpClientAuthenticationDisabled",
        "EwsEnabled",
        "EwsAllowOutlook",
        "EwsAllowMacOutlook",
        "EwsAllowEntourage",
    }
)
"""Booleans that take $null: the organization's setting counts then."""


def _converter(kind: str) -> Callable[[str, Any], Any]:
    return _CONVERTERS[group(kind)]


def _boolean(name: str, value: Any) -> bool | None:
    if isinstance(value, bool) or (value is None and name in _NULLABLE):
        return value
    given = "null" if value is None else f'value "{_shown(value)}"'
    raise errors.transformation(
        name,
        f'Cannot convert {given} to type "System.Boolean". Boolean parameters accept only Boolean values.',
    )


def _integer(name: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    try:
        if isinstance(value, str):
            return int(value.strip())
    except ValueError:
        pass
    raise errors.transformation(name, f'Cannot convert value "{_shown(value)}" to type "System.Int32".')


def _secret(name: str, value: Any) -> str:
    try:
        if isinstance(value, str) and len(base64.b64decode(value, validate=True)) >= 128:
            return value
    except binascii.Error:
        pass
    raise errors.transformation(
        name, 'Cannot convert the value to type "System.Security.SecureString": it is not encrypted.'
    )


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, _SCALARS):
        return str(value)
    _check_hashtable(name, value)
    raise errors.transformation(name, f'Cannot convert value "{_shown(value)}" to type "System.String".')


def _array(name: str, value: Any) -> Edit:
    if isinstance(value, dict):
        _check_hashtable(name, value)
        raise errors.transformation(name, 'Cannot convert the value of type "Hashtable" to an array.')
    return Edit(replace=_items(name, value))


def _editable(name: str, value: Any) -> Edit:
    if not isinstance(value, dict):
        return Edit(replace=_items(name, value))
    _check_hashtable(name, value)
    parts: dict[str, tuple[str, ...]] = {}
    for key, items in value.items():
        if key == "@odata.type" or key.endswith("@odata.type"):
            continue
        if key.lower() not in {"add", "remove"}:
            raise errors.transformation(
                name, f"The key '{key}' isn't valid. Use a hashtable with the keys Add and Remove."
            )
        parts[key.lower()] = _items(name, items)
    return Edit(add=parts.get("add", ()), remove=parts.get("remove", ()))


def _items(name: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    for item in values:
        if not isinstance(item, _SCALARS):
            if isinstance(item, dict):
                _check_hashtable(name, item)
            raise errors.transformation(
                name, f'Cannot convert value "{_shown(item)}" to type "System.String".'
            )
    return tuple(str(item) for item in values)


def _check_hashtable(name: str, value: Any) -> None:
    """A JSON object says what it is, in its first member (`protocol.md`, "Request")."""
    if isinstance(value, dict) and (
        next(iter(value), "") != "@odata.type" or value["@odata.type"] != HASHTABLE
    ):
        raise errors.transformation(
            name,
            'Cannot convert the value of type "Newtonsoft.Json.Linq.JObject" to the type of the parameter. '
            f"A hashtable has to begin with its type, {HASHTABLE}.",
        )


def _shown(value: Any) -> str:
    names: tuple[tuple[type, str], ...] = (
        (dict, "System.Collections.Hashtable"),
        (list, "System.Object[]"),
        (str, "System.String"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "System.Object")


_COMMON_NAMES = frozenset(_COMMON.lower().split())
_CONVERTERS: Mapping[str, Callable[[str, Any], Any]] = {
    "bool": _boolean,
    "int": _integer,
    "secret": _secret,
    "text": _text,
    "array": _array,
    "list": _editable,
}

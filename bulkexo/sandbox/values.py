"""The types of values, as JSON carries them: what binds, and what is refused.

Rules, from `protocol.md` ("Request", "Second reading: Values"): switches and booleans are JSON booleans; a
hashtable carries `"@odata.type": "#Exchange.GenericHashTable"` as its first member, at every depth; an
array of hashtables, or of byte arrays, has its type in a sibling `P@odata.type`; a byte array is an object;
a SecureString is RSA text in base64. What breaks a rule is a `ParameterTransformationException`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkexo.sandbox import errors

HASHTABLE: Final = "#Exchange.GenericHashTable"
BYTES: Final = "#Exchange.ByteArrayType"
_SCALARS = (str, int, float, bool)
Unseal = Callable[[str], str | None]
"""From a SecureString as it came to its clear text; None if no key of the service opens it."""


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


def group(kind: str) -> str:
    """The family of a parameter type: bool, int, secret, list (takes Add and Remove), hashtable, hashtables,
    bytes, byte_arrays, array or text."""
    if kind in {"SwitchParameter", "Boolean", "System.Boolean"}:
        return "bool"
    if kind in {"Int32", "System.Int32"}:
        return "int"
    if kind in {"SecureString", "PSCredential"}:
        return "secret"
    if kind in {"MultiValuedProperty", "ProxyAddressCollection"}:
        return "list"
    last = kind.rpartition(".")[2]
    named = {"PswsHashtable": "hashtable", "Hashtable": "hashtable", "PswsHashtable[]": "hashtables",
             "Hashtable[]": "hashtables", "Byte[]": "bytes", "Byte[][]": "byte_arrays"}  # fmt: skip
    return named.get(last) or ("array" if kind.endswith("[]") else "text")


def convert(name: str, kind: str, value: Any, note: Any, unseal: Unseal) -> Any:
    """The value of a parameter. note: its sibling `P@odata.type`, or None. Raises CmdletError."""
    family = group(kind)
    if family == "secret":
        return _secret(name, value, unseal)
    wanted = {"hashtables": HASHTABLE, "byte_arrays": BYTES}.get(family)
    if wanted and isinstance(value, list) and note != f"#Collection({wanted[1:]})":
        raise errors.transformation(
            name, f"An array needs its type beside it: {name}@odata.type has to be #Collection({wanted[1:]})."
        )
    return _CONVERTERS[family](name, value)


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


def _secret(name: str, value: Any, unseal: Unseal) -> str:
    clear = unseal(value) if isinstance(value, str) else None
    if clear is None:
        raise errors.transformation(
            name,
            'Cannot convert the value to type "System.Security.SecureString": it is not encrypted with the '
            "current key of the service or the one before.",
        )
    return clear


def _hashtable(name: str, value: Any) -> dict[str, Any] | None:
    """The members without their notes; what is below is checked and cleaned as well."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise errors.transformation(
            name, f'Cannot convert value "{_shown(value)}" to type "System.Collections.Hashtable".'
        )
    _check_hashtable(name, value)
    return {key: _below(name, member) for key, member in value.items() if not key.endswith("@odata.type")}


def _below(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _bytes(name, value) if value.get("@odata.type") == BYTES else _hashtable(name, value)
    return [_below(name, member) for member in value] if isinstance(value, list) else value


def _hashtables(name: str, value: Any) -> list[dict[str, Any]]:
    found = [_hashtable(name, member) for member in (value if isinstance(value, list) else [value])]
    return [member for member in found if member is not None]


def _bytes(name: str, value: Any) -> bytes | None:
    if value is None:
        return None
    try:
        if next(iter(value)) == "@odata.type" and value["@odata.type"] == BYTES:
            return bytes(value["Data"])
    except (KeyError, TypeError, ValueError, StopIteration):
        pass
    raise errors.transformation(
        name, f'Cannot convert value "{_shown(value)}" to type "System.Byte[]". It has to be of type {BYTES}.'
    )


def _byte_arrays(name: str, value: Any) -> list[bytes]:
    found = [_bytes(name, member) for member in (value if isinstance(value, list) else [value])]
    return [member for member in found if member is not None]


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


_CONVERTERS: Mapping[str, Callable[[str, Any], Any]] = {
    "bool": _boolean,
    "int": _integer,
    "text": _text,
    "array": _array,
    "list": _editable,
    "hashtable": _hashtable,
    "hashtables": _hashtables,
    "bytes": _bytes,
    "byte_arrays": _byte_arrays,
}

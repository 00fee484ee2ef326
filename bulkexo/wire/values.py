"""Parameter values as JSON carries them (protocol.md, Request and second reading).

Most go as they are. A hashtable has a type note at every depth; what else needs a note, or encrypting, is
told by a Form, since a JSON value does not show which .NET type the cmdlet wants.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bulkexo.model import Form, Value

Seal: TypeAlias = Callable[[str], str]
"""Encrypts a secret with the service's own key; another text each time."""

NOTE = "@odata.type"
HASHTABLE = {NOTE: "#Exchange.GenericHashTable"}
BYTES = {NOTE: "#Exchange.ByteArrayType"}
COLLECTIONS = {
    Form.TABLES: "#Collection(Exchange.GenericHashTable)",
    Form.BYTE_ARRAYS: "#Collection(Exchange.ByteArrayType)",
}
"""What stands beside an array of these, as `P@odata.type` (Microsoft's module)."""


def encode(
    parameters: Mapping[str, Value], forms: Mapping[str, Form], seal: Seal | None = None
) -> dict[str, Any]:
    """The parameters ready for JSON.

    Raises ValueError for a secret without a seal: it is never sent bare; and for bytes that are none, which
    the loader does not let through.
    """
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        form = forms.get(name)
        if form is None or value is None:
            found[name] = encoded(value)
        elif form is Form.SECURE:
            if seal is None:
                raise ValueError(f"{name} cannot be sent without the service's key.")
            found[name] = seal(str(value))
        elif form is Form.BYTES:
            found[name] = _bytes(value)
        else:
            found[f"{name}{NOTE}"] = COLLECTIONS[form]
            one = encoded if form is Form.TABLES else _bytes
            found[name] = [one(member) for member in _members(value, form)]
    return found


def encoded_all(parameters: Mapping[str, Value]) -> dict[str, Any]:
    """The same of parameters without forms."""
    return {name: value if value.__class__ is str else encoded(value) for name, value in parameters.items()}


def encoded(value: Value) -> Any:
    """A value whose JSON shows its type."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Mapping):
        return HASHTABLE | {name: encoded(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(member) for member in value]
    return value


def octets(value: Value) -> list[int]:
    """Bytes, given as a base64 text or a list of numbers from 0 to 255. Raises ValueError."""
    if isinstance(value, str):
        try:
            return list(base64.b64decode("".join(value.split()), validate=True))
        except binascii.Error:
            raise ValueError("is not base64") from None
    if isinstance(value, list | tuple):
        numbers = [each for each in value if isinstance(each, int) and not isinstance(each, bool)]
        if len(numbers) == len(value) and all(0 <= number <= 255 for number in numbers):
            return numbers
    raise ValueError("is neither base64 nor a list of numbers from 0 to 255")


def _bytes(value: Value) -> Any:
    if isinstance(value, Mapping):  # written out in the job, note and all
        return encoded(value)
    return BYTES | {"Data": octets(value)}


def _members(value: Value, form: Form) -> list[Value]:
    """The array, or the one thing given instead, which PowerShell takes for an array as well."""
    if not isinstance(value, list | tuple):
        return [value]
    if form is Form.BYTE_ARRAYS and value and isinstance(value[0], int):
        return [value]
    return list(value)

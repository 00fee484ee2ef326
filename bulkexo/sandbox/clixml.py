"""Objects as CliXML, PowerShell's own serialisation (MS-PSRP, 2.2.5), for who asks with `X-ResponseFormat:
clixml`.

Doubtful, and here alone: `protocol.md` says "`json` (else `clixml`)" and no more. That the XML stands in a
member `_clixml` of each object of `value`, one document an object, is an assumption: Microsoft's module
gives what it finds in `value` to `PSSerializer.Deserialize`, but how it is wrapped no public source shows.
That CliXML is what comes without the header (WITHOUT_HEADER) is `[seed]`; a client's author who measured in
September 2026 saw the same answer with and without.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from bulkexo.sandbox.views import Row

CLIXML: Final = "clixml"
WITHOUT_HEADER: Final = CLIXML
MEMBER: Final = "_clixml"
_NAMESPACE: Final = "http://schemas.microsoft.com/powershell/2004/04"
_LISTS: Final = (
    "Deserialized.System.Collections.Generic.List`1[[System.String]]",
    "Deserialized.System.Object",
)
_TABLES: Final = ("System.Collections.Hashtable", "System.Object")
_ESCAPED: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufffe\\uffff\\U00010000-\\U0010ffff]|_(?=[xX])"
)
_TAGS: Final = {"System.Guid": "G", "System.DateTime": "DT"}


def asked_for(header: str | None) -> bool:
    """Whether a request wants it. header: X-ResponseFormat, None without."""
    return (header or WITHOUT_HEADER).strip().lower() == CLIXML


def wrapped(rows: list[Row]) -> list[dict[str, str]]:
    """The objects of a `value`."""
    return [{MEMBER: document(row)} for row in rows]


def document(row: Row) -> str:
    """One object as a document: its properties, types from their notes."""
    root = Element("Objs", {"Version": "1.1.0.1", "xmlns": _NAMESPACE})
    writer = _Writer()
    shown = writer.object(
        root, None, ("Deserialized.Exchange.GenericHashTable", "Deserialized.System.Object")
    )
    text = row.get("Identity") or row.get("Name")
    if isinstance(text, str):
        SubElement(shown, "ToString").text = _escape(text)
    properties = SubElement(shown, "Props")
    for name, value in row.items():
        if "@" not in name:
            writer.value(properties, name, value, row.get(f"{name}@data.type"))
    return tostring(root, encoding="unicode")


class _Writer:
    """Keeps the numbers of objects and of type names, which are written once and then referred to."""

    def __init__(self) -> None:
        self._objects = 0
        self._types: dict[tuple[str, ...], int] = {}

    def object(self, parent: Element, name: str | None, types: tuple[str, ...]) -> Element:
        """A new Obj with its type names."""
        made = SubElement(parent, "Obj", {**_named(name), "RefId": str(self._objects)})
        self._objects += 1
        known = self._types.get(types)
        if known is not None:
            SubElement(made, "TNRef", {"RefId": str(known)})
            return made
        number = self._types[types] = len(self._types)
        names = SubElement(made, "TN", {"RefId": str(number)})
        for each in types:
            SubElement(names, "T").text = each
        return made

    def value(self, parent: Element, name: str | None, value: Any, note: str | None = None) -> None:
        """Any value under a name, or in a list without one."""
        if isinstance(value, Mapping):
            table = SubElement(self.object(parent, name, _TABLES), "DCT")
            for key, member in value.items():
                entry = SubElement(table, "En")
                self.value(entry, "Key", key)
                self.value(entry, "Value", member)
        elif isinstance(value, (list, tuple)):
            items = SubElement(self.object(parent, name, _LISTS), "LST")
            for member in value:
                self.value(items, None, member)
        else:
            tag, text = _scalar(value, note)
            SubElement(parent, tag, _named(name)).text = text


def _scalar(value: Any, note: str | None) -> tuple[str, str | None]:
    """Tag and text."""
    if value is None:
        return "Nil", None
    if isinstance(value, bool):
        return "B", "true" if value else "false"
    if isinstance(value, int):
        return ("I32" if -(1 << 31) <= value < 1 << 31 else "I64"), str(value)
    if isinstance(value, float):
        return "Db", repr(value)
    if isinstance(value, bytes):
        return "BA", base64.b64encode(value).decode()
    return _TAGS.get(note or "", "S") if value else "S", _escape(str(value))


def _named(name: str | None) -> dict[str, str]:
    return {} if name is None else {"N": _escape(name)}


def _escape(text: str) -> str:
    """What XML cannot hold, and whatever looks like an escape, as `_xHHHH_` of each UTF-16 unit."""
    return _ESCAPED.sub(_units, text)


def _units(match: re.Match[str]) -> str:
    packed = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{packed[i]:02X}{packed[i + 1]:02X}_" for i in range(0, len(packed), 2))

"""What the module that the service makes for a caller says of its cmdlets (protocol.md, "Catalogue by role").

Its text is PowerShell: a function for each cmdlet, with a `param(…)` block. Only its form is read, and
nothing of it is ever run. Where in the answer the text stands is not known for sure, so that it is looked for
in every text of it, as the key is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkexo.wire.key import texts

Parameters = Mapping[str, str]
"""Name to type, "" where the module does not say it: about a third of its types are plain objects."""

_FUNCTION = re.compile(r"^[ \t]*function[ \t]+(?:global:|script:)?([\w-]+)", re.IGNORECASE | re.MULTILINE)
_CMDLET = re.compile(r"[A-Za-z]+-[A-Za-z0-9]+")
_PARAM = re.compile(r"\bparam\s*\(", re.IGNORECASE)
_TOKEN = re.compile(
    r"""(?P<skip>'(?:[^']|'')*+'?|"(?:[^"`]|`.|"")*+"?|<\#(?:[^#]|\#(?!>))*+(?:\#>)?|\#[^\n]*)"""
    r"""|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<name>\$(?:\{[A-Za-z_]\w*\}|[A-Za-z_]\w*))""",
    re.DOTALL,
)
"""What is left open goes to the end, so that everything is read once."""
_ATTRIBUTE = re.compile(r"\[\s*([A-Za-z_][\w.]*(?:\[[^\[\]]*\])?)\s*\]")
_PLAIN: Final = {
    "switch": "SwitchParameter",
    "bool": "Boolean",
    "string": "String",
    "int": "Int32",
    "object": "",
    "object[]": "",
}
"""How PowerShell abbreviates what the reference writes out."""

_LARGEST: Final = 1 << 20
"""Characters of one function: the largest has some tens of thousands."""


def cmdlets(body: Any) -> dict[str, Parameters]:
    """The cmdlets of a module file and their parameters, by their names as it spells them; none for an answer
    that holds no such text. Takes time in the order of its length, whatever is in it."""
    found: dict[str, Parameters] = {}
    for text in texts(body):
        starts = list(_FUNCTION.finditer(text))
        ends = [*(each.start() for each in starts[1:]), len(text)]
        for start, end in zip(starts, ends, strict=False):  # of a text without functions there is one end
            if not _CMDLET.fullmatch(start[1]):
                continue
            function = text[start.end() : min(end, start.end() + _LARGEST)]
            if head := _PARAM.search(function):
                found[start[1]] = dict(_parameters(function[head.end() :]))
            else:
                found.setdefault(start[1], {})
    return found


def _parameters(block: str) -> Iterator[tuple[str, str]]:
    """The parameters of a block that begins after `param(`: a name at its own level, the type before it."""
    depth, since = 0, 0
    named = False
    for token in _TOKEN.finditer(block):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
            if depth < 0:
                return
        elif token["comma"] and depth == 0:
            since, named = token.end(), False
        elif token["name"] and depth == 0 and not named:  # what follows is a default value
            named = True
            yield token["name"].strip("${}"), _type(block[since : token.start()])


def _type(before: str) -> str:
    """The type among the attributes before a name: the last that is no attribute with arguments."""
    found = _ATTRIBUTE.findall(before)
    if not found:
        return ""
    short = str(found[-1]).removeprefix("System.").removeprefix("Management.Automation.")
    return _PLAIN.get(short.lower(), short)

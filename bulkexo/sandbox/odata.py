"""Reading the URLs of the REST-only cmdlets (`protocol.md`, "REST-only cmdlets"): from a path to a Question.

A path is steps: `Mailbox('{id}')/MailboxFolder('{id}')/MailboxFolderPermission`, a step being a name, a key
in quotes, or a function with arguments. An id is plain, or in base64 with `IsEncoded=True`. Options are
named without regard to case. A `$filter` is OData's (`Department eq 'Sales'`) or, as PowerShell writes it,
OPATH's.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

_STEP = re.compile(
    r"(?:^|/)(?P<name>[A-Za-z][A-Za-z.]*)(?:\('(?P<key>(?:[^']|'')*)'\)|\((?P<arguments>(?:[^')][^)]*)?)\))?(?=/|$)"
)
_QUOTED = re.compile(r"('(?:[^']|'')*')")
_WORD = re.compile(r"(?<![\w-])(eq|ne|gt|ge|lt|le|and|or|not)(?!\w)", re.IGNORECASE)
_LITERAL = re.compile(r"(?<![\w$])(true|false|null)(?!\w)", re.IGNORECASE)
_FUNCTION = re.compile(r"(startswith|endswith|contains)\(\s*(\w+)\s*,\s*'((?:[^']|'')*)'\s*\)", re.IGNORECASE)
_PATTERNS = {"startswith": "{}*", "endswith": "*{}", "contains": "*{}*"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path. name: in lower case. key: None if there is none; arguments: of a function."""

    name: str
    key: str | None = None
    arguments: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a GET asks for. base: the URL of the tenant. path: as it came, below it. options: names in lower
    case, `$skiptoken` left out; query: the same as it came, for the next link. cursor: of `$skiptoken`."""

    base: str
    path: str
    steps: tuple[Step, ...]
    options: Mapping[str, str]
    query: str
    cursor: str | None = None

    def flag(self, name: str) -> bool:
        """Whether an option says True."""
        return self.options.get(name, "").lower() == "true"


def parse_question(base: str, path: str, query: str, headers: Mapping[str, str]) -> Question | None:
    """path: below the tenant, percent-encoded or not; query: as it came. headers: lower-case names.

    None if it is no path of this kind, or an id is not the base64 that it is said to be.
    """
    given = parse_qsl(query, keep_blank_values=True)
    options = {name.lower(): value for name, value in given if name.lower() != "$skiptoken"}
    kept = "&".join(part for part in query.split("&") if not unquote(part).lower().startswith("$skiptoken="))
    question = Question(base, path, (), options, kept, dict(given).get("$skiptoken"))
    found, text = [], unquote(path).strip("/")
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            return None
        key = match["key"]
        if key is not None:
            key = _decoded(key.replace("''", "'"), encoded=question.flag("isencoded"))
            if key is None:
                return None
        found.append(Step(match["name"].lower(), key, match["arguments"]))
        position = match.end()
    if question.flag("readidsandparamsfromheaders") and found and found[0].key is None:
        identity = _decoded(headers.get("xparameter-identity", ""), encoded=True)
        found[0] = Step(found[0].name, identity or None)
    return Question(base, path, tuple(found), options, kept, question.cursor)


def _decoded(text: str, *, encoded: bool) -> str | None:
    if not encoded:
        return text
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return None


def opath(text: str) -> str:
    """A filter in OData's words or in OPATH's, in OPATH's."""
    text = _FUNCTION.sub(
        lambda match: f"{match[2]} -like '{_PATTERNS[match[1].lower()].format(match[3])}'", text
    )
    parts = _QUOTED.split(text)
    for position in range(0, len(parts), 2):
        plain = _WORD.sub(lambda match: f"-{match[1].lower()}", parts[position])
        parts[position] = _LITERAL.sub(lambda match: f"${match[1].lower()}", plain)
    return "".join(parts)

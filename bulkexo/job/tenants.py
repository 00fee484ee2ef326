"""`tenants:` of a YAML job: rows that belong to one of several tenants each.

    tenants: {column: Tenant}                        a column of the rows names each row's tenant
    tenants: [contoso, fabrikam.onmicrosoft.com]     every row, in each of them
    tenants:                                         those with rows of their own, and the job's for the rest
      - {profile: contoso, rows: contoso.csv}

A name is that of a profile or of a tenant. In a list the rows get one more column, Tenant, so that what is
read of the job in the end (failed.csv, say) is a file with a column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bulkexo.facts.catalogue import nearest
from bulkexo.job import keys
from bulkexo.job.asked import AskedRows
from bulkexo.job.outline import Outline, Rows
from bulkexo.job.problems import Problems, printable
from bulkexo.job.template import Node
from bulkexo.job.text import TextFile
from bulkexo.model import Value

TENANT: Final = "Tenant"
"""The column that rows of a list of tenants get."""
OF_ONE_TENANT: Final = (
    "Rows that are asked of a tenant are that tenant's, and name no other.",
    "List the tenants to ask: tenants: [contoso, fabrikam].",
)
KEPT_TENANTS: Final = 10_000
"""Names that are looked at once, and not in every row."""
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SPAN: Final = 1 << 40
"""Lines of a row's part: more than any file has."""


def fault_of(name: str, profiles: Collection[str] | None) -> tuple[str, str] | None:
    """What is wrong with the name of a tenant or profile, and what to do; None if nothing is.
    profiles: in lower case; None if they are not known."""
    if profiles is None and re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,250}", name):
        return None
    if (_DOMAIN.fullmatch(name) and len(name) < 250) or _GUID.fullmatch(name) or name in (profiles or ()):
        return None
    remedy = "Write the tenant's initial domain, such as contoso.onmicrosoft.com, its GUID, or a profile."
    if not name:
        return "The row names no tenant.", remedy
    if like := nearest(name, profiles or ()):
        remedy = f"Did you mean the profile {like}?"
    return f"{printable(name)!r} names no tenant, and no profile.", remedy


class Tenants:
    """The tenants that the rows of a job name, or the profiles. place: of a line and a column, as messages
    write it. profiles: names that may be given, None for any."""

    def __init__(self, outline: Outline, profiles: Collection[str] | None) -> None:
        self._outline = outline
        self._profiles = profiles
        self._seen: set[str] = set()

    def of(self, line: int, cell: Value, problems: Problems) -> str:
        """The tenant of a row; one that cannot be is told, in a list once."""
        name = tenant_name(cell)
        if name not in self._seen:
            if fault := fault_of(name, self._profiles):
                column = self._outline.rows.columns[self._outline.tenant_column or 0]
                if listed := self._outline.tenants.get(name):
                    problems.add_once(("tenant", name), listed, *fault)
                else:
                    problems.add(self._outline.rows.place(line, column), *fault)
            elif len(self._seen) < KEPT_TENANTS:
                self._seen.add(name)
        return name

    def known(self, cells: Sequence[Value]) -> list[str] | None:
        """The tenants of some rows; None if one of them was not seen yet."""
        names = {cell: tenant_name(cell) for cell in set(cells)}
        return [names[cell] for cell in cells] if self._seen.issuperset(names.values()) else None


def tenant_name(cell: Value) -> str:
    """The tenant or profile that a cell names."""
    return str(cell).strip().lower()


class TenantRows:
    """The rows of each tenant, one after another. parts: tenant and rows.

    A line is that of its part, plus the part's number times _SPAN, so that it can be told where it is.
    """

    def __init__(self, parts: Sequence[tuple[str, Rows]]) -> None:
        self._parts = tuple(parts)
        names: dict[str, str] = {}
        for _, rows in self._parts:
            for name in rows.columns:
                names.setdefault(name.lower(), name)
        self.columns = (*names.values(), TENANT)
        self.typed = any(rows.typed for _, rows in self._parts)
        self.files: tuple[TextFile, ...] = tuple(
            {file.path: file for _, rows in self._parts for file in rows.files}.values()
        )

    def place(self, line: int, column: str | None = None) -> str:
        """A line of the file it is in, and a column of it."""
        part, line = divmod(line, _SPAN)
        return self._parts[part][1].place(line, None if column == TENANT else column)

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each row, with its tenant as the last cell."""
        places = {name.lower(): place for place, name in enumerate(self.columns)}
        for number, (tenant, rows) in enumerate(self._parts):
            if problems and any(rows is earlier for _, earlier in self._parts[:number]):
                continue  # they would only be told again
            own = [places[name.lower()] for name in rows.columns]
            for line, row in rows.read(problems):
                cells: list[Value] = [""] * len(self.columns)
                for place, cell in zip(own, row, strict=True):
                    cells[place] = cell
                cells[-1] = tenant
                yield number * _SPAN + line, cells


class TenantsReader:
    """Reads the key. where: a line, as messages write it. read: a node to the rows it names."""

    def __init__(
        self, where: Callable[[int], str], read: Callable[[Node | None], Rows], problems: Problems
    ) -> None:
        self._where = where
        self._read = read
        self._problems = problems

    def _problem(self, line: int, what: str, remedy: str) -> None:
        self._problems.add(self._where(line), what, remedy)

    def outline(self, outline: Outline, node: Node, places: Mapping[str, str]) -> Outline:
        """The job with the column that names its rows' tenants. places: of those of a list."""
        for option in ("tenant", "tenant_column"):
            if option in outline.options:
                what = f"The job has both tenants: and {option}:."
                self._problem(outline.option_lines[option], what, "Keep one of the two.")
        column = TENANT if isinstance(node.value, list) else self._column(node)
        if outline.asked and not isinstance(node.value, list):
            self._problem(node.line, *OF_ONE_TENANT)
        position = outline.columns.find(column)
        if position is None and column:
            known = ", ".join(map(printable, outline.columns.names[:20]))
            self._problem(node.line, f"The rows have no column {column!r}.", f"The columns are {known}.")
        return replace(outline, tenant_column=position, tenants=places)

    def _column(self, node: Node) -> str:
        """The column that `{column: Tenant}` names."""
        members = node.value if isinstance(node.value, dict) else {}
        named = members.get("column")
        if set(members) != {"column"} or named is None or not isinstance(named.value, str):
            self._problem(
                node.line,
                "tenants: is neither a list nor a column.",
                "Write tenants: [contoso, fabrikam], or tenants: {column: Tenant}.",
            )
            return ""
        return named.value

    def rows(
        self, node: Node | None, common: Node | None, inline: Rows | None
    ) -> tuple[Rows, dict[str, str]]:
        """The rows of the job, and where each tenant of a list stands. common: the job's own rows, which
        are `inline` if they stand in it."""
        if node is None or not isinstance(node.value, list):
            return inline or self._read(common), {}
        if not node.value:
            self._problem(node.line, "tenants: names none.", "Write tenants: [contoso, fabrikam].")
            raise self._problems.error()
        parts: list[tuple[str, Rows]] = []
        places: dict[str, str] = {}
        shared: Rows | None = inline
        whole: set[str] = set()
        for entry in node.value:
            name, own = self._entry(entry)
            if own is None and (shared is None or isinstance(shared, AskedRows)):
                shared = self._read(common)
            if name in whole or (own is None and name in places):
                self._problem(entry.line, f"The tenant {name} is listed twice.", "Keep one of the two.")
            if own is None:
                whole.add(name)
            places.setdefault(name, self._where(entry.line))
            rows = shared if own is None else self._read(own)
            if isinstance(rows, AskedRows):
                rows.tenant = name
            if rows is not None:
                parts.append((name, rows))
        if common is not None and not whole:
            what = "Every tenant has rows of its own, so nothing is done with the rows of the job."
            self._problem(common.line, what, "Leave them out, or list a tenant without rows:.")
        self._check(parts, node.line)
        return TenantRows(parts), places

    def _entry(self, entry: Node) -> tuple[str, Node | None]:
        """The name in an entry, in lower case, and the node of its rows, if it has its own."""
        members = entry.value if isinstance(entry.value, dict) else {"tenant": entry}
        named = [node for key, node in members.items() if key.lower() in ("tenant", "profile")]
        own = next((node for key, node in members.items() if key.lower() == "rows"), None)
        others = [key for key in members if key.lower() not in keys.names(keys.TENANTS)]
        name = named[0].value if len(named) == 1 else None
        if others or not isinstance(name, str) or not name.strip():
            self._problem(
                entry.line,
                f"An entry of tenants: has no key {others[0]!r}." if others else "This names no tenant.",
                "Write the name of a profile or tenant, or {profile: NAME, rows: FILE.csv}.",
            )
            raise self._problems.error()
        return name.strip().lower(), own

    def _check(self, parts: Sequence[tuple[str, Rows]], line: int) -> None:
        """Rows that do not go together are told."""
        if any(name.lower() == TENANT.lower() for _, rows in parts for name in rows.columns):
            self._problem(
                line,
                "The rows have a column Tenant, and tenants: is a list.",
                "Write tenants: {column: Tenant} if the rows name it, or rename the column.",
            )

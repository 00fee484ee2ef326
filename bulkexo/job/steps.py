"""A step set against the catalogue: true names, getters, secrets; a row goes in, an Item comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkexo.facts import catalogue, identity_names, identity_parameter, needs_identity
from bulkexo.facts.catalogue import Cmdlet, Kind, Parameter
from bulkexo.job.cells import SPECIAL, BadCell, as_text
from bulkexo.job.csvrows import MASK
from bulkexo.job.doubts import Watch
from bulkexo.job.later import Pending
from bulkexo.job.outline import Rows
from bulkexo.job.problems import Problems
from bulkexo.job.sequel import Sequel, StepRule
from bulkexo.job.template import OMIT, Getter, Omit, Row, Source
from bulkexo.model import Cells, Form, Item, Repeat, Value

_SECRET = re.compile(r"password|secret", re.IGNORECASE)
_NO_SECRETS = frozenset({Kind.SWITCH, Kind.BOOL, Kind.NUMBER})
NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter of a step. where: the line that gives it; source: the value as the job writes it; column:
    the column it is, if it is one; form: how it goes over the wire. watch: has a word about odd values. text:
    the position of the column whose text it is, unless that begins with a sign of `cells.SPECIAL`: for most
    parameters, and then there is nothing to ask the getter."""

    name: str
    get: Getter
    where: str
    source: Source
    column: str | None
    form: Form | None = None
    watch: Watch | None = None
    text: int | None = None

    def value(self, row: Row) -> Value | Omit:
        """The value of a row, with a word where it is odd. Raises BadCell."""
        value = self.get(row)
        if self.watch:
            self.watch.see(value)
        return value


def is_secret(name: str, parameter: Parameter | None) -> bool:
    """Whether values of this parameter are secrets by name or type (contract: "A run's folder")."""
    if parameter and parameter.kind in {Kind.SECURE, Kind.CREDENTIAL}:
        return True
    return bool(_SECRET.search(name)) and not (parameter and parameter.kind in _NO_SECRETS)


def is_secret_column(name: str) -> bool:
    """Whether a column of this name may hold secrets, whatever cmdlet it is for."""
    return bool(_SECRET.search(name)) and catalogue.may_be_secret(name)


def sentence(bad: BadCell, *, secret: bool) -> str:
    """What is wrong with a cell; a secret one is never quoted."""
    if not bad.shown:
        return bad.what
    shown = bad.shown if len(bad.shown) <= 60 else bad.shown[:60] + "…"
    return f"The value {bad.what}" if secret else f"{shown!r} {bad.what}"


def article(name: str) -> str:
    """ "a" or "an", whichever stands before the name."""
    return "an" if name[0] in "AEIOU" else "a"


class Step:
    """One cmdlet of a job, ready for rows. number: from 1; cmdlet: as the catalogue spells it.

    secrets: names of the parameters whose values are shown nowhere. secret_cells: see Item.
    """

    def __init__(
        self,
        number: int,
        cmdlet: str,
        known: Cmdlet | None,
        bound: Sequence[Bound],
        secrets: frozenset[str],
        secret_cells: frozenset[str],
        rows: Rows,
        repeat: Repeat | None,
        select: tuple[str, ...],
        api: str,
        sequel: Sequel,
    ) -> None:
        self.sequel = sequel
        self.repeat = repeat
        self.select = select
        self.api = api
        self.number = number
        self.cmdlet = cmdlet
        self.secrets = secrets
        self._secret_cells = secret_cells
        self.bound = tuple(bound)
        self._rows = rows
        self._getters = tuple(
            (each.name, each.text, each.value if each.watch else each.get) for each in bound
        )
        self.forms = {each.name: each.form for each in bound if each.form}
        given = {each.name for each in bound}
        self._own = identity_parameter(cmdlet)
        self._rehearses = "WhatIf" in given and not cmdlet.startswith(("Get-", "Test-"))
        self.needs_identity = needs_identity(cmdlet)
        naming = tuple(name for name in identity_names(cmdlet) if name in given)
        self.naming = naming[:1] if self.needs_identity else naming
        self._usual = self.naming[0] if self.naming else ""
        self._rule = None if sequel.plain else StepRule(sequel, self.naming)
        self.by_row = self._rehearses or any(each.source.refs for each in bound)
        lists = known is not None and known.name.startswith("Get-") and known.parameter("Identity")
        self._may_list_all = bool(lists) and "Identity" in given

    def shown(self) -> dict[str, Value]:
        """The parameters as the job writes them, secrets masked."""
        return {each.name: MASK if each.name in self.secrets else each.source.shown for each in self.bound}

    def item(
        self, number: int, line: int, row: Row, cells: Cells, problems: Problems, tenant: str = ""
    ) -> Item | None:
        """The item of data row `number`; None if there is something wrong with it, which is told."""
        parameters: dict[str, Value] = {}
        pending: dict[str, Pending] = {}
        value: Any
        try:
            for name, text, get in self._getters:
                if (
                    text is not None
                    and (value := row[text]).__class__ is str
                    and value
                    and value[0] not in SPECIAL
                ):
                    parameters[name] = value
                    continue
                value = get(row)
                if isinstance(value, Pending):
                    pending[name], value = value, value.text()
                if value is not OMIT:
                    parameters[name] = value
        except BadCell:
            self._explain(line, row, problems)
            return None
        if self._rehearses and parameters.get("WhatIf"):
            problems.add_once(
                ("whatif", self.cmdlet),
                self._rows.place(line),
                f"{self.cmdlet} is sent with WhatIf, and some cmdlets carry the change out all the same.",
                "Leave WhatIf out; rehearse with --dry-run or --sandbox, which send the service nothing.",
            )
            return None
        name = self._usual
        found = parameters.get(name)
        identity = found if isinstance(found, str) else ""
        if not identity or identity.isspace():
            name, identity = self._named(parameters)
        if not identity and not self._may_go_without(line, problems):
            return None
        if name in self.secrets or name in pending:
            identity = ""
        return self.made(number, identity, parameters, cells, tenant, pending or NOTHING)

    def made(
        self,
        number: int,
        identity: str,
        parameters: Mapping[str, Value],
        cells: Cells,
        tenant: str,
        pending: Mapping[str, Pending] = NOTHING,
    ) -> Item:
        """An item of the step. By position, which takes half the time of names."""
        return Item(
            number,
            self.number,
            self.cmdlet,
            identity,
            parameters,
            cells,
            self.secrets,
            self._secret_cells,
            self.repeat,
            tenant,
            self.select,
            self.api,
            self.forms,
            None,
            self._rule,
            pending,
        )

    def _named(self, parameters: Mapping[str, Value]) -> tuple[str, str]:
        """The parameter that names the object in this row, and the name; in a job of many cmdlets, the
        column for others' Identity is empty where a New- names it otherwise."""
        for name in self.naming:
            found = parameters.get(name)
            text = found if isinstance(found, str) else as_text(found)
            if text and not text.isspace():
                return name, text
        return "", ""

    def _may_go_without(self, line: int, problems: Problems) -> bool:
        """Whether the row may do without an object; without one, some cmdlets take every object."""
        if self.needs_identity:
            own = self._own
            column = next((each.column for each in self.bound if each.name == own), None)
            problems.add(
                self._rows.place(line, column),
                f"{self.cmdlet} needs {article(own)} {own}, and this row gives none.",
                f"Fill in the {own}, or delete the row.",
            )
        elif self._may_list_all and self.sequel.condition is None:  # which may well leave such rows out
            place = self._rows.place(line)
            problems.warn(
                (self.cmdlet, "Identity"),
                f"{place}: the Identity is empty, and {self.cmdlet} without it returns all objects.",
            )
        return not self.needs_identity

    def _explain(self, line: int, row: Row, problems: Problems) -> None:
        """Tell every bad cell of a row."""
        for each in self.bound:
            try:
                each.value(row)
            except BadCell as bad:
                what = sentence(bad, secret=each.name in self.secrets)
                place = self._rows.place(line, each.column)
                if each.column is None:
                    what += f" The parameter is {each.name}, given in {each.where}."
                if bad.once:
                    problems.add_once((self.cmdlet, each.name), place, what, bad.remedy)
                else:
                    problems.add(place, what, bad.remedy)

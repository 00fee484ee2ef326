"""A step set against the catalogue: true names, getters, secrets; a row goes in, an Item comes out."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bulkexo.facts import catalogue, identity_names, identity_parameter, needs_identity
from bulkexo.facts.catalogue import Cmdlet, Kind, Parameter, form_of
from bulkexo.facts.granted import Granted
from bulkexo.job.cells import CHECKED, SPECIAL, BadCell, as_text
from bulkexo.job.csvrows import MASK
from bulkexo.job.doubts import Doubts, never
from bulkexo.job.later import Pending
from bulkexo.job.outline import Given, OutlineStep, Rows
from bulkexo.job.problems import Problems
from bulkexo.job.sequel import Sequel, StepRule
from bulkexo.job.template import OMIT, Getter, Row
from bulkexo.model import Cells, Form, Item, Repeat, Value
from bulkexo.wire import rest
from bulkexo.wire.doors import COMPLIANCE_API, ENDPOINTS, EXCHANGE_API, V2_API, V2_PARAMETERS

_CMDLET = re.compile(r"[A-Za-z]+-[A-Za-z0-9]+")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SECRET = re.compile(r"password|secret", re.IGNORECASE)
_NO_SECRETS = frozenset({Kind.SWITCH, Kind.BOOL, Kind.NUMBER})


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter of a step. column: the column it is, if it is one; where: the line that gives it;
    shown: the value as the job writes it; form: how it goes over the wire. text: the position of the column
    whose text it is, unless that begins with a sign of `cells.SPECIAL`: for most parameters, and then there
    is nothing to ask the getter."""

    name: str
    get: Getter
    where: str
    column: str | None
    shown: Value
    form: Form | None = None
    text: int | None = None


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


def _article(name: str) -> str:
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
        self._bound = tuple(bound)
        self._rows = rows
        self._getters = tuple((each.name, each.text, each.get) for each in bound)
        self._forms = {each.name: each.form for each in bound if each.form}
        given = {each.name for each in bound}
        self._own = identity_parameter(cmdlet)
        self._rehearses = "WhatIf" in given and not cmdlet.startswith(("Get-", "Test-"))
        self._needs_identity = needs_identity(cmdlet)
        naming = tuple(name for name in identity_names(cmdlet) if name in given)
        self._naming = naming[:1] if self._needs_identity else naming
        self._usual = self._naming[0] if self._naming else ""
        self._rule = None if sequel.plain else StepRule(sequel, self._naming)
        lists = known is not None and known.name.startswith("Get-") and known.parameter("Identity")
        self._may_list_all = bool(lists) and "Identity" in given

    def shown(self) -> dict[str, Value]:
        """The parameters as the job writes them, secrets masked."""
        return {each.name: MASK if each.name in self.secrets else each.shown for each in self._bound}

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
        return Item(
            row=number,
            step=self.number,
            cmdlet=self.cmdlet,
            identity=identity,
            parameters=parameters,
            cells=cells,
            secrets=self.secrets,
            secret_cells=self._secret_cells,
            repeat=self.repeat,
            tenant=tenant,
            select=self.select,
            api=self.api,
            forms=self._forms,
            rule=self._rule,
            pending=pending,
        )

    def _named(self, parameters: Mapping[str, Value]) -> tuple[str, str]:
        """The parameter that names the object in this row, and the name; in a job of many cmdlets, the
        column for others' Identity is empty where a New- names it otherwise."""
        for name in self._naming:
            found = parameters.get(name)
            text = found if isinstance(found, str) else as_text(found)
            if text and not text.isspace():
                return name, text
        return "", ""

    def _may_go_without(self, line: int, problems: Problems) -> bool:
        """Whether the row may do without an object; without one, some cmdlets take every object."""
        if self._needs_identity:
            own = self._own
            column = next((each.column for each in self._bound if each.name == own), None)
            problems.add(
                self._rows.place(line, column),
                f"{self.cmdlet} needs {_article(own)} {own}, and this row gives none.",
                f"Fill in the {own}, or delete the row.",
            )
        elif self._may_list_all and self.sequel.condition is None:  # which may well leave such rows out
            place = self._rows.place(line)
            problems.warn(
                (self.cmdlet, "Identity"),
                f"{place}: the Identity is empty, and {self.cmdlet} without it returns all objects.",
            )
        return not self._needs_identity

    def _explain(self, line: int, row: Row, problems: Problems) -> None:
        """Tell every bad cell of a row."""
        for each in self._bound:
            try:
                each.get(row)
            except BadCell as bad:
                what = sentence(bad, secret=each.name in self.secrets)
                place = self._rows.place(line, each.column)
                if each.column is None:
                    what += f" The parameter is {each.name}, given in {each.where}."
                if bad.once:
                    problems.add_once((self.cmdlet, each.name), place, what, bad.remedy)
                else:
                    problems.add(place, what, bad.remedy)


class Binder:
    """Sets the steps of one job against the catalogue. secret_columns: positions; marked: parameters;
    repeat, api: of steps that do not say it; granted: what the tenant is known to grant."""

    def __init__(
        self,
        rows: Rows,
        secret_columns: Collection[int],
        marked: Collection[str],
        problems: Problems,
        repeat: Repeat | None = None,
        api: str = "",
        granted: Granted | None = None,
    ) -> None:
        self._rows = rows
        self._granted = granted
        self._repeat = repeat
        self._api = api
        self._secret_columns = frozenset(secret_columns)
        self._marked = frozenset(name.lower() for name in marked)
        self._problems = problems
        self._doubts = Doubts(problems)

    def step(self, number: int, outline: OutlineStep, given: Sequence[Given]) -> Step | None:
        """The step; None if the cmdlet cannot be run at all, which is told."""
        cmdlet = outline.cmdlet.strip()
        if not _CMDLET.fullmatch(cmdlet):
            self._problems.add_once(
                ("cmdlet", cmdlet[:200]),
                outline.where,
                f"{cmdlet[:60]!r} is not the name of a cmdlet.",
                "Write one like Set-Mailbox.",
            )
            return None
        known = self._granted.cmdlet(cmdlet) if self._granted else catalogue.cmdlet(cmdlet)
        if known is None:
            self._doubts.cmdlet(cmdlet, outline.where)
        name = known.name if known else cmdlet
        marked = self._marked | {secret.lower() for secret in outline.secret}
        bound, secrets = self._bind_all(name, known, given, marked)
        if needs_identity(name):
            self._require(identity_parameter(name), name, bound, outline.where)
        if self._granted:
            self._doubts.withheld(name, [each.name for each in bound], self._granted, outline.where)
        if rest.rest_only(name) and (why := rest.unknown(name, [each.name for each in bound])):
            twin = rest.TABLE[name.lower()].twin
            self._problems.warn((name, "twin"), f"{outline.where}: {name} is run as {twin}: {why}.")
        api = self._place(name, known, outline.api or self._api, outline.where)
        if api == V2_API:
            self._warn_v2(name, bound, outline.where)
        repeat = outline.repeat or self._repeat
        select, sequel = outline.select, outline.sequel
        read = self._secret_columns & {column for each in given for column in each.source.columns}
        cells = frozenset(self._rows.columns[column] for column in read)
        hidden = frozenset(secrets), cells
        return Step(number, name, known, bound, *hidden, self._rows, repeat, select, api, sequel)

    def _place(self, cmdlet: str, known: Cmdlet | None, api: str, where: str) -> str:
        """Where the step goes: as the job says, else where the catalogue has the cmdlet."""
        services = known.service if known else ()
        if not api:
            return COMPLIANCE_API if services == ("security-compliance",) else ""
        if api == V2_API and cmdlet.lower() not in ENDPOINTS:
            self._problems.add_once(
                ("api", cmdlet),
                where,
                f"{cmdlet} is not among the cmdlets that v2.0 of the interface runs.",
                f"Leave out api: v2.0. Its endpoints are {', '.join(sorted(set(ENDPOINTS.values())))}.",
            )
        if api == COMPLIANCE_API and services and "security-compliance" not in services:
            what = f"{where}: {cmdlet} is known in Exchange Online, and not in Security & Compliance."
            self._problems.warn(("api", cmdlet), what)
        return "" if api == EXCHANGE_API else api

    def _warn_v2(self, cmdlet: str, bound: Sequence[Bound], where: str) -> None:
        taken = V2_PARAMETERS.get(cmdlet.lower())
        strange = [each.name for each in bound if taken is not None and each.name.lower() not in taken]
        if strange:
            what = f"{where}: {cmdlet} of v2.0 is not known to take {', '.join(strange)}."
            self._problems.warn(("v2", cmdlet), what)

    def _require(self, own: str, cmdlet: str, bound: Sequence[Bound], where: str) -> None:
        if all(each.name != own for each in bound):
            self._problems.add_once(
                ("identity", cmdlet),
                where,
                f"{cmdlet} needs {_article(own)} {own}, and the job gives none.",
                f"Add a column or a parameter {own} that names the object.",
            )

    def _bind_all(
        self, cmdlet: str, known: Cmdlet | None, given: Sequence[Given], marked: Collection[str]
    ) -> tuple[list[Bound], set[str]]:
        bound: list[Bound] = []
        secrets: set[str] = set()
        for each in given:
            parameter = known.parameter(each.name) if known else None
            name = parameter.name if parameter else each.name.strip()
            twice = next((other for other in bound if other.name.lower() == name.lower()), None)
            if twice:
                self._twice(cmdlet, name, each, twice)
                continue
            if (
                is_secret(name, parameter)
                or {name.lower(), each.name.lower()} & set(marked)
                or self._secret_columns & each.source.columns
            ):
                secrets.add(name)
            one = self._bind(cmdlet, known, each, name, parameter, secret=name in secrets)
            if one:
                bound.append(one)
        return bound, secrets

    def _bind(
        self,
        cmdlet: str,
        known: Cmdlet | None,
        each: Given,
        name: str,
        parameter: Parameter | None,
        *,
        secret: bool,
    ) -> Bound | None:
        if not _PARAMETER.fullmatch(name):
            self._problems.add_once(
                ("parameter", name),
                each.where,
                f"{name[:60]!r} cannot be the name of a parameter.",
                "Write it as in PowerShell, without the dash; a column for templates only needs a YAML job.",
            )
            return None
        try:
            get = each.source.bind(parameter.kind if parameter else None)
        except BadCell as bad:
            what = f"{sentence(bad, secret=secret)} The parameter is {name}."
            self._problems.add_once((cmdlet, name), each.where, what, bad.remedy)
            return None
        get = self._doubts.watched(get, cmdlet, known, parameter, name, each.where)
        form = form_of(parameter.type) if parameter else None
        stands = (parameter is None or parameter.kind not in CHECKED) and never(known, parameter)
        text = each.source.whole if stands else None
        return Bound(name, get, each.where, each.column, each.source.shown, form, text)

    def _twice(self, cmdlet: str, name: str, each: Given, other: Bound) -> None:
        self._problems.add_once(
            ("twice", cmdlet, name),
            each.where,
            f"{cmdlet} gets the parameter {name} twice: here and by {other.where}.",
            "Keep one of the two.",
        )

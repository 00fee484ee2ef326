"""The steps of a job set against the catalogue: true names, kinds, what is unusual, what cannot be."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from bulkexo.facts import catalogue, identity_parameter, needs_identity
from bulkexo.facts.catalogue import Cmdlet, Parameter, form_of
from bulkexo.facts.granted import Granted
from bulkexo.job.cells import CHECKED, BadCell
from bulkexo.job.doubts import Doubts, never
from bulkexo.job.outline import Given, OutlineStep, Rows
from bulkexo.job.problems import Problems
from bulkexo.job.steps import Bound, Step, article, is_secret, sentence
from bulkexo.model import Repeat
from bulkexo.wire import rest
from bulkexo.wire.doors import COMPLIANCE_API, ENDPOINTS, EXCHANGE_API, V2_API, V2_PARAMETERS

_CMDLET = re.compile(r"[A-Za-z]+-[A-Za-z0-9]+")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


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
                f"{cmdlet} needs {article(own)} {own}, and the job gives none.",
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
        watch = self._doubts.watch(cmdlet, known, parameter, name, each.where)
        form = form_of(parameter.type) if parameter else None
        stands = (parameter is None or parameter.kind not in CHECKED) and never(known, parameter)
        text = each.source.whole if stands else None
        return Bound(name, get, each.where, each.source, each.column, form, watch, text)

    def _twice(self, cmdlet: str, name: str, each: Given, other: Bound) -> None:
        self._problems.add_once(
            ("twice", cmdlet, name),
            each.where,
            f"{cmdlet} gets the parameter {name} twice: here and by {other.where}.",
            "Keep one of the two.",
        )

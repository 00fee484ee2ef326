"""What run.json says of a run, in words: what was asked, by whom, where and when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from bulkexo.journal.lines import SECRET
from bulkexo.options import TABLE
from bulkexo.report.html.plain import shown
from bulkexo.report.words import duration

MOST_ITEMS = 1 << 53
MOST = 40
"""Rows files, parameters or signers that are named."""
UNTOLD = frozenset(
    {"no_progress", "quiet", "json", "log_file", "log_level", "yes", "report", "set", "cmdlet", "select"}
)
"""Options that say nothing of the run, or stand elsewhere."""
EXCHANGE = {"": "Exchange Online", "v2.0": "Exchange Online, API v2.0", "compliance": "Security & Compliance"}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the job. notes: what it says beyond its cmdlet and parameters."""

    number: int
    cmdlet: str
    parameters: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed in. tenant: by its name in the job, and its GUID."""

    tenant: str
    tenant_id: str
    who: str
    how: str
    at: str


class Told:
    """run: run.json."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        self._run = run
        self._job = _mapping(run.get("job"))
        self.options = _mapping(run.get("options"))
        self.counts = {name: _whole(value) for name, value in _mapping(run.get("counts")).items()}
        self.state = str(run.get("state") or "")
        self.reason = shown(run.get("reason"), 500)
        self.version = shown(run.get("bulkexo"), 40)
        self.started = moment(run.get("started"))
        self.ended = moment(run.get("ended")) if self.state != "running" else None
        self.sandbox = bool(self.options.get("sandbox"))
        self.keeps_before = bool(self.options.get("keep_before"))

    @property
    def total(self) -> int:
        """Items of the run, 0 if it is not known."""
        return self.counts.get("items", 0)

    @property
    def name(self) -> str:
        """The job's file, without its folder."""
        return shown(PurePath(str(self._job.get("path") or "").replace("\\", "/")).name or "A run", 120)

    @property
    def path(self) -> str:
        """The job's file."""
        return shown(self._job.get("path"), 300)

    @property
    def rows(self) -> list[str]:
        """Where the rows came from."""
        rows = self._job.get("rows")
        found = rows if isinstance(rows, list) else [rows] if rows else []
        return [_rows(_mapping(each)) for each in found[:MOST]]

    @property
    def steps(self) -> list[Step]:
        """The steps of the job, with the names of their parameters, and never a value."""
        common = [shown(name, 80) for name in _mapping(self._job.get("set"))]
        steps = _listed(self._job.get("steps"))
        return [_step(number, step, common) for number, step in enumerate(steps[:MOST], 1)]

    @property
    def columns(self) -> list[str]:
        """The columns of the rows."""
        return [shown(name, 80) for name in _texts(self._job.get("columns"))[:MOST]]

    @property
    def stated(self) -> list[tuple[str, str]]:
        """The options that were given: as they stand on the command line, and their values."""
        found = []
        for spec in TABLE:
            value = self.options.get(spec.name)
            if spec.name in UNTOLD or value in (None, "", False):
                continue
            texts = value if isinstance(value, list) else ["" if value is True else value]
            found += [(spec.flag, shown(text, 200)) for text in texts]
        return found

    @property
    def course(self) -> list[tuple[str, str]]:
        """Waves, what is between them, and the hours."""
        found = []
        if waves := _texts(self._job.get("waves")):
            found.append(("Waves", ", ".join(shown(each, 20) for each in waves)))
            found.append(("Gate", self.gate))
        if window := self._job.get("window"):
            found.append(("Hours", f"Sends only within {shown(window, 120)}"))
        return found

    @property
    def gate(self) -> str:
        """What is between a wave and the next, as a sentence."""
        gate = _mapping(self._job.get("gate"))
        failures = gate.get("failures")
        parts = [
            f"at most {shown(failures, 20)} of its rows may fail" if failures else "",
            f"a pause of {duration(pause)}" if (pause := _whole(gate.get("pause"))) else "",
            "somebody approves" if gate.get("approve") else "",
        ]
        return "Between two waves: " + ("; ".join(part for part in parts if part) or "nothing") + "."

    @property
    def waves(self) -> Mapping[str, Any]:
        """Where the run stands among them: `bounds`, `passed`, `waiting`; empty for a run of one."""
        return _mapping(self._run.get("waves"))

    @property
    def passed(self) -> int:
        """Waves whose gates the run has passed."""
        return _whole(self.waves.get("passed"))

    @property
    def bounds(self) -> list[int]:
        """The last row of each wave; none of a run of one."""
        found = self.waves.get("bounds")
        whole = isinstance(found, list) and all(isinstance(each, int) for each in found)
        return sorted(found) if isinstance(found, list) and whole else []

    @property
    def signers(self) -> list[Signer]:
        """Who signed in, to each tenant."""
        return list(_signers(self._run.get("signed_in")))

    @property
    def signers_left(self) -> int:
        """How many there are beside those."""
        return max(0, len(_listed(self._run.get("signed_in"))) - MOST)

    @property
    def tenants(self) -> list[str]:
        """The tenants that the run names, or else those that its tokens name."""
        named = [_signer_tenant(each) for each in _listed(self._run.get("signed_in"))]
        one = [shown(self.options["tenant"], 120)] if self.options.get("tenant") else []
        return list(dict.fromkeys(each for each in (one or named) if each))

    @property
    def services(self) -> list[str]:
        """Which services the steps go to."""
        apis = (str(step.get("api") or "") for step in _listed(self._job.get("steps")))
        return list(dict.fromkeys(EXCHANGE.get(api, shown(api, 40)) for api in apis))


def moment(text: Any) -> datetime | None:
    """A time of run.json; None if it is none."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def local(at: datetime) -> str:
    """`24 Nov 2026, 10:30:00 (UTC+01:00)`, by the clock of this machine."""
    here = at.astimezone()
    offset = f"{here:%z}"
    return f"{here.day} {here:%b %Y, %H:%M:%S} (UTC{offset[:3]}:{offset[3:5]})"


def utc(at: datetime) -> str:
    """`2026-11-24 09:30:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rows(rows: Mapping[str, Any]) -> str:
    asked = _mapping(rows.get("asked"))
    if asked:
        tenant = f" of {shown(asked['tenant'], 120)}" if asked.get("tenant") else ""
        names = [f"-{shown(name, 80)}" for name in _mapping(asked.get("parameters"))]
        return " ".join([f"Asked of the tenant{tenant}: {shown(asked.get('cmdlet'), 100)}", *names])
    return shown(rows.get("path"), 300)


def _step(number: int, step: Mapping[str, Any], common: Sequence[str]) -> Step:
    own = [
        shown(name, 80) + (f" {SECRET}" if value == SECRET else "")
        for name, value in list(_mapping(step.get("parameters")).items())[:MOST]
    ]
    notes = []
    for name, value in step.items():
        if name in ("cmdlet", "parameters", "api") or not value:
            continue
        text = ", ".join(shown(each, 80) for each in value) if isinstance(value, list) else shown(value, 200)
        notes.append(f"{shown(name, 40)}: {text}")
    cmdlet = shown(step.get("cmdlet"), 100) or "the row's own cmdlet"
    return Step(number, cmdlet, list(dict.fromkeys([*own, *common])), notes)


def _signers(found: Any) -> Iterator[Signer]:
    for each in _listed(found)[:MOST]:
        user, app = shown(each.get("user"), 200), shown(each.get("app"), 80)
        named = shown(each.get("app_name"), 120)
        client = f"{named} ({app})" if named and app else named or app
        at = moment(each.get("at"))
        yield Signer(
            tenant=shown(each.get("tenant"), 120),
            tenant_id=shown(each.get("tenant_id"), 80),
            who=user or client or shown(each.get("object_id"), 80),
            how=f"a person, through {client}" if user and client else "a person" if user else "an app",
            at=local(at) if at else "",
        )


def _signer_tenant(each: Mapping[str, Any]) -> str:
    return shown(each.get("tenant") or each.get("tenant_id"), 120)


def _texts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int:
    """A count; 0 of what is none."""
    return min(max(int(value), 0), MOST_ITEMS) if isinstance(value, int | float) else 0

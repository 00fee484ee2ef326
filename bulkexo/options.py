"""The options of a run: one table, read by the command line, the environment and the YAML alike.

The order is command line, environment (`BULKEXO_<NAME>`), YAML, profile, default (contract, Commands).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bulkexo.connection import Auth, Connection
from bulkexo.dated import check_name
from bulkexo.model import JobError, Problem
from bulkexo.pace.times import duration
from bulkexo.schedule.lanes import Order
from bulkexo.schedule.settle import OnUnknown
from bulkexo.wire.batch import BATCH_LIMIT
from bulkexo.wire.clixml import MISSING, Format, available
from bulkexo.wire.hosts import CLOUDS, origin

ENVIRONMENT = "BULKEXO_"
SAMPLE = 100
"""Items that must have ended before a share of failures means anything."""


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """`--max-failures`: a number of items, or a share (0 to 1) of those that ended."""

    count: float = math.inf
    share: float = math.inf

    def reached(self, trouble: int, done: int) -> bool:
        """Whether the run should stop. A share counts from 100 items on; it must be exceeded."""
        return trouble >= self.count or (done >= SAMPLE and trouble > self.share * done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run was asked for, resolved. Times in seconds, rate in items per second."""

    cmdlet: str | None = None
    set: tuple[str, ...] = field(default=(), repr=False)
    select: str | None = None
    out: Path | None = None
    rate: float | None = None
    concurrency: int = 100
    batch_size: int = BATCH_LIMIT
    retries: int = 5
    timeout: float | None = None
    max_failures: FailureLimit = FailureLimit()
    order: Order = Order.IDENTITY
    strict: bool = False
    keep_before: bool = False
    skip_unchanged: bool = False
    raw: bool = False
    response_format: str = "json"
    on_unknown: OnUnknown = OnUnknown.SKIP
    drain: float = 30.0
    offline: float = 600.0
    give_up_after: float | None = None
    tenant: str | None = None
    tenant_column: str | None = None
    profile: str | None = None
    cloud: str = "worldwide"
    endpoint: str | None = None
    compliance_endpoint: str | None = None
    authority: str | None = None
    ca_file: Path | None = None
    auth: Auth | None = None
    client_id: str | None = None
    certificate: Path | None = None
    certificate_passphrase_file: Path | None = None
    client_secret_file: Path | None = None
    federated_token_file: Path | None = None
    token_file: Path | None = None
    account: str | None = None
    sandbox: bool = False
    sandbox_options: str = ""
    dry_run: bool = False
    yes: bool = False
    no_progress: bool = False
    json: bool = False

    @property
    def connection(self) -> Connection:
        """Where these options lead, and how to sign in there; what they do not say follows from the cloud."""
        cloud = CLOUDS[self.cloud]
        return Connection(
            tenant=self.tenant,
            endpoint=self.endpoint or cloud.endpoint,
            compliance=self.compliance_endpoint or cloud.compliance,
            authority=self.authority or cloud.authority,
            ca_file=self.ca_file,
            auth=self.auth,
            client_id=self.client_id,
            certificate=self.certificate,
            certificate_passphrase_file=self.certificate_passphrase_file,
            client_secret_file=self.client_secret_file,
            federated_token_file=self.federated_token_file,
            token_file=self.token_file,
            account=self.account,
        )


@dataclass(frozen=True, slots=True)
class Spec:
    """One option: how its text is read (raising ValueError with a sentence), and what it is for.
    placeholder: of its value, "" for a switch."""

    name: str
    parse: Callable[[Any], Any]
    placeholder: str
    help: str

    @property
    def flag(self) -> str:
        """As it stands on the command line."""
        return "--" + self.name.replace("_", "-")


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or not str(value).strip():
        raise ValueError("Give a text.")
    return str(value)


def _tenant(value: Any) -> str:
    text = str(value).strip()
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,250}", text):
        raise ValueError("Give the initial domain, such as contoso.onmicrosoft.com, or the tenant's GUID.")
    return text


def _lines(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(line for line in value.splitlines() if line.strip())
    if isinstance(value, list | tuple):
        return tuple(_text(member) for member in value)
    raise ValueError("Give NAME=VALUE, several in lines of their own.")


def _path(value: Any) -> Path:
    try:
        return Path(_text(value)).expanduser()
    except RuntimeError:
        raise ValueError("There is no such home folder: write the path in full.") from None


def _named(value: Any) -> Path:
    """A path in which `${date}` and the like may stand (see dated.py)."""
    path = _path(value)
    check_name(str(path))
    return path


def _url(value: Any) -> str:
    if isinstance(value, str):
        return origin(value.strip())
    raise ValueError("Give a URL.")


def _switch(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off", ""):
        return False
    raise ValueError("Give true or false.")


def _positive(value: Any) -> float:
    try:
        number = float(_text(value))
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise ValueError("Give a number above 0.")
    return number


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"Give a whole number from {low} to {high}.")
        return int(text)

    return parse


def _limit(value: Any) -> FailureLimit:
    text = str(value).strip()
    if not isinstance(value, bool) and (match := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)(%?)", text)):
        number = float(match[1])
        if match[2] and number <= 100:
            return FailureLimit(share=number / 100)
        if not match[2] and number >= 1 and number.is_integer():
            return FailureLimit(count=number)
    raise ValueError("Give a number of items such as 50, or a share such as 2%.")


def _cloud(value: Any) -> str:
    name = str(value).strip().lower()
    if name not in CLOUDS:
        raise ValueError(f"Give one of {', '.join(CLOUDS)}.")
    return name


def _auth(value: Any) -> Auth:
    try:
        return Auth(str(value).strip().lower())
    except ValueError:
        raise ValueError(f"Give one of {', '.join(Auth)}.") from None


def _format(value: Any) -> str:
    try:
        wanted = Format(str(value).strip().lower())
    except ValueError:
        raise ValueError("Give json or clixml.") from None
    if wanted is Format.CLIXML and not available():
        raise ValueError(MISSING)
    return wanted.value


def _order(value: Any) -> Order:
    try:
        return Order(_text(value).strip().lower())  # and not None, whose name is that of an order
    except ValueError:
        raise ValueError("Give identity, none or file.") from None


def _on_unknown(value: Any) -> OnUnknown:
    try:
        return OnUnknown(str(value).strip().lower())
    except ValueError:
        raise ValueError("Give skip, resend or ask.") from None


TABLE = (
    Spec("cmdlet", _text, "NAME", "The cmdlet of every row, for a CSV without a Cmdlet column."),
    Spec("set", _lines, "NAME=VALUE", "A parameter for every row; can be given several times."),
    Spec("select", _text, "NAMES", "The properties wanted of what a cmdlet returns, with commas."),
    Spec("order", _order, "ORDER", "What keeps the job's order: identity (default), none, or file."),
    Spec("out", _named, "DIR", "The run's folder; ${date} is filled in. Default: runs/<job>-<UTC time>."),
    Spec("raw", _switch, "", "Leave the type notes (Name@odata.type) in what the cmdlets return."),
    Spec("response_format", _format, "FORMAT", "How the service answers: json (default) or clixml."),
    Spec("strict", _switch, "", "Count an item that changed nothing as failed."),
    Spec("keep_before", _switch, "", "Read and keep what there was before; `bulkexo undo` needs it."),
    Spec("skip_unchanged", _switch, "", "Read each object first, and leave alone what is there already."),
    Spec("rate", _positive, "N", "At most N items per second."),
    Spec("concurrency", _whole(1, 1000), "N", "At most N batches in flight. Default: 100."),
    Spec("batch_size", _whole(1, BATCH_LIMIT), "N", "Items in a batch, 1 to 10. Default: 10."),
    Spec("timeout", _positive, "SECONDS", "Wait so long for a reply. Default: by cmdlet, 960 and more."),
    Spec("retries", _whole(0, 100), "N", "Further attempts of an item that failed in passing. Default: 5."),
    Spec("max_failures", _limit, "N|N%", "Stop when so many items, or so large a share, have failed."),
    Spec("on_unknown", _on_unknown, "WAY", "An item of unknown fate: skip (default), resend, or ask."),
    Spec("offline", duration, "TIME", "Stop when nothing was reached for so long. Default: 10m."),
    Spec("give_up_after", duration, "TIME", "Stop when the service has accepted nothing for so long."),
    Spec("drain", duration, "TIME", "After Ctrl-C, wait so long for what is in flight. Default: 30s."),
    Spec("tenant", _tenant, "TENANT", "The tenant: its initial domain or its GUID."),
    Spec("tenant_column", _text, "COLUMN", "The column that names each row's own tenant."),
    Spec("profile", _text, "NAME", "The profile of bulkexo.toml that says where, and who signs in."),
    Spec("cloud", _cloud, "CLOUD", f"{', '.join(CLOUDS)}. Default: worldwide, which serves GCC too."),
    Spec("endpoint", _url, "URL", "The service. Default: by cloud, outlook.office365.com."),
    Spec("compliance_endpoint", _url, "URL", "That of Security & Compliance. Default: by cloud."),
    Spec("authority", _url, "URL", "The sign-in service. Default: by cloud, login.microsoftonline.com."),
    Spec("ca_file", _path, "PEM", "Certificates to trust besides the system's."),
    Spec("auth", _auth, "WAY", f"How to sign in: {', '.join(Auth)}. Default: by what is given."),
    Spec("account", _text, "UPN", "Whom to sign in as, of those that `bulkexo login` knows."),
    Spec("client_id", _text, "GUID", "The app, or the user-assigned managed identity, to sign in as."),
    Spec("certificate", _path, "FILE", "The app's certificate and its private key, PEM or PFX."),
    Spec("certificate_passphrase_file", _path, "FILE", "The passphrase of the certificate's key."),
    Spec("client_secret_file", _path, "FILE", "The app's secret; or set BULKEXO_CLIENT_SECRET."),
    Spec("federated_token_file", _path, "FILE", "An assertion of who this is, read for each sign-in."),
    Spec("token_file", _path, "FILE", "A file with a token, read again when the service refuses it."),
    Spec("sandbox", _switch, "", "Run on a pretend tenant on this machine; no account needed."),
    Spec("sandbox_options", _text, "TEXT", "Options for that tenant, as `bulkexo sandbox` takes them."),
    Spec("dry_run", _switch, "", "Send nothing; show the counts and the first batch as it would go."),
    Spec("yes", _switch, "", "Do not ask before changes are made."),
    Spec("no_progress", _switch, "", "No progress display."),
    Spec("json", _switch, "", "The summary as one JSON object on stdout."),
)
HEADINGS = {
    "cmdlet": "The job",
    "rate": "Pace",
    "retries": "When something fails",
    "tenant": "Where",
    "auth": "Who signs in",
    "sandbox": "Rehearsing",
    "yes": "On the screen",
}
"""Of --help, by the option that each begins with."""

NAMES = frozenset(spec.name for spec in TABLE)
PLACE = frozenset({"cloud", "endpoint", "compliance_endpoint", "authority"})
"""Options that say together where a tenant is."""
IDENTITY = frozenset(entry.name for entry in fields(Connection)) & NAMES - PLACE - {"tenant", "ca_file"}
"""Options that say together who signs in."""
PACING = frozenset({"rate", "concurrency", "batch_size", "retries", "timeout", "offline", "give_up_after"})
IN_PROFILES = frozenset({"tenant", "ca_file"}) | IDENTITY | PLACE | PACING
"""What a profile may say."""
assert {entry.name for entry in fields(Options)} == NAMES  # noqa: S101 (the table and the class are one)


@dataclass(frozen=True, slots=True)
class Layer:
    """Options of a file. values: by name. where: where each stands. base: from which its paths start."""

    values: Mapping[str, Any]
    where: Callable[[str], str] = str
    base: Path = Path()


def stated(
    command_line: Mapping[str, Any],
    environment: Mapping[str, str],
    document: Mapping[str, Any] | None = None,
    base: Path = Path(),
) -> dict[str, Any]:
    """The options that were given, as JSON values that `resolve` reads back from a document: for run.json.
    Paths become absolute. `out` belongs to one run, and `set` is kept where secrets are known; a profile is
    kept by its name."""
    found: dict[str, Any] = {}
    layers = [Layer(document or {}, str, base)]
    for spec in TABLE:
        value, place, start = _in_force(spec, command_line, environment, layers)
        if place and spec.name not in ("out", "set"):
            found[spec.name] = str((start / spec.parse(value)).resolve()) if spec.parse is _path else value
    return found


def resolve(
    command_line: Mapping[str, Any],
    environment: Mapping[str, str],
    document: Mapping[str, Any] | None = None,
    where: Callable[[str], str] = str,
    base: Path = Path(),
    profile: Layer | None = None,
) -> Options:
    """The options in force. document: those of the YAML; where: their places in it; base: its folder,
    from which the paths in it start. Raises JobError with every value that makes no sense."""
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    layers = [Layer(document or {}, where, base), *([profile] if profile else [])]
    for spec in TABLE:
        value, place, start = _in_force(spec, command_line, environment, layers)
        if not place:
            continue
        try:
            parsed = spec.parse(value)
        except ValueError as error:
            problems.append(Problem(place, f"{_shown(spec, value)} does not fit.", str(error)))
        else:
            found[spec.name] = start / parsed if isinstance(parsed, Path) else parsed
    if problems:
        raise JobError(problems)
    return Options(**found)


def said(
    name: str, command_line: Mapping[str, Any], environment: Mapping[str, str], document: Layer
) -> tuple[Any, str]:
    """What was said of an option, as it was said, and where; (None, "") where nothing was."""
    spec = next(spec for spec in TABLE if spec.name == name)
    value, place, _ = _in_force(spec, command_line, environment, [document])
    return value, place


def _in_force(
    spec: Spec,
    command_line: Mapping[str, Any],
    environment: Mapping[str, str],
    layers: Sequence[Layer],
) -> tuple[Any, str, Path]:
    """(value, place, folder that a path starts from) of an option; place "" where it is not given."""
    if command_line.get(spec.name) not in (None, ()):
        return command_line[spec.name], spec.flag, Path()
    variable = ENVIRONMENT + spec.name.upper()
    if environment.get(variable):
        return environment[variable], variable, Path()
    for layer in layers:
        if spec.name in layer.values:
            return layer.values[spec.name], layer.where(spec.name), layer.base
    return None, "", Path()


def _shown(spec: Spec, value: Any) -> str:
    """A value as a problem shows it; not one that can hold a password."""
    return "The value" if spec.name == "set" or "@" in str(value) else repr(value)

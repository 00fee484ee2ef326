"""The options of a run: one table, read by the command line, the environment and the YAML alike.

The order is command line, environment (`BULKEXO_<NAME>`), YAML, profile, default (contract, Commands).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bulkexo import says
from bulkexo.choices import OnUnknown, Order
from bulkexo.connection import Auth, Connection
from bulkexo.durations import duration
from bulkexo.model import JobError, Problem
from bulkexo.says import FailureLimit
from bulkexo.wire.batch import BATCH_LIMIT
from bulkexo.wire.hosts import CLOUDS

ENVIRONMENT = "BULKEXO_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run was asked for, resolved. Times in seconds, rate in items per second."""

    cmdlet: str | None = None
    set: tuple[str, ...] = field(default=(), repr=False)
    select: str | None = None
    sheet: str | None = None
    out: Path | None = None
    rate: float | None = None
    concurrency: int = 100
    batch_size: int = BATCH_LIMIT
    retries: int = 5
    timeout: float | None = None
    max_failures: FailureLimit = field(default_factory=FailureLimit)
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
    workers: int | None = None
    cluster: str | None = None
    cluster_listen: str | None = None
    worker_timeout: float = 10.0
    tenants_per_worker: int = 100
    worker_sign_in: str = "coordinator"
    sandbox: bool = False
    sandbox_options: str = ""
    dry_run: bool = False
    export: tuple[Path, ...] = ()
    compare_with: Path | str | None = None
    ignore: tuple[str, ...] = ()
    threshold: float = 0.0
    changed_exit_code: int | None = None
    report: bool = False
    yes: bool = False
    no_progress: bool = False
    quiet: bool = False
    json: bool = False
    log_file: Path | None = None
    log_level: str = "info"
    telemetry: bool = False

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


TABLE = (
    Spec("cmdlet", says.text, "NAME", "The cmdlet of every row, for a CSV without a Cmdlet column."),
    Spec("set", says.lines, "NAME=VALUE", "A parameter for every row; can be given several times."),
    Spec("select", says.text, "NAMES", "The properties wanted of what a cmdlet returns, with commas."),
    Spec("sheet", says.text, "NAME", "The sheet of an .xlsx job. Default: the first."),
    Spec("order", says.order, "ORDER", "What keeps the job's order: identity (default), none, or file."),
    Spec("out", says.named, "DIR", "The run's folder; ${date} is filled in. Default: runs/<job>-<UTC time>."),
    Spec("raw", says.switch, "", "Leave the type notes (Name@odata.type) in what the cmdlets return."),
    Spec("response_format", says.format, "FORMAT", "How the service answers: json (default) or clixml."),
    Spec("strict", says.switch, "", "Count an item that changed nothing as failed."),
    Spec("keep_before", says.switch, "", "Read and keep what there was before; `bulkexo undo` needs it."),
    Spec("skip_unchanged", says.switch, "", "Read each object first, and leave alone what is there already."),
    Spec("rate", says.positive, "N", "At most N items per second."),
    Spec("concurrency", says.whole(1, 1000), "N", "At most N batches in flight. Default: 100."),
    Spec("batch_size", says.whole(1, BATCH_LIMIT), "N", "Items in a batch, 1 to 10. Default: 10."),
    Spec("timeout", says.positive, "SECONDS", "Wait so long for a reply. Default: by cmdlet, 960 and more."),
    Spec(
        "retries", says.whole(0, 100), "N", "Further attempts of an item that failed in passing. Default: 5."
    ),
    Spec("max_failures", says.limit, "N|N%", "Stop when so many items, or so large a share, have failed."),
    Spec("on_unknown", says.on_unknown, "WAY", "An item of unknown fate: skip (default), resend, or ask."),
    Spec("offline", duration, "TIME", "Stop when nothing was reached for so long. Default: 10m."),
    Spec("give_up_after", duration, "TIME", "Stop when the service has accepted nothing for so long."),
    Spec("drain", duration, "TIME", "After Ctrl-C, wait so long for what is in flight. Default: 30s."),
    Spec("tenant", says.tenant, "TENANT", "The tenant: its initial domain or its GUID."),
    Spec("tenant_column", says.text, "COLUMN", "The column that names each row's own tenant."),
    Spec("profile", says.text, "NAME", "The profile of bulkexo.toml that says where, and who signs in."),
    Spec("cloud", says.cloud, "CLOUD", f"{', '.join(CLOUDS)}. Default: worldwide, which serves GCC too."),
    Spec("endpoint", says.url, "URL", "The service. Default: by cloud, outlook.office365.com."),
    Spec("compliance_endpoint", says.url, "URL", "That of Security & Compliance. Default: by cloud."),
    Spec("authority", says.url, "URL", "The sign-in service. Default: by cloud, login.microsoftonline.com."),
    Spec("ca_file", says.path, "PEM", "Certificates to trust besides the system's."),
    Spec("auth", says.auth, "WAY", f"How to sign in: {', '.join(Auth)}. Default: by what is given."),
    Spec("account", says.text, "UPN", "Whom to sign in as, of those that `bulkexo login` knows."),
    Spec("client_id", says.text, "GUID", "The app, or the user-assigned managed identity, to sign in as."),
    Spec("certificate", says.path, "FILE", "The app's certificate and its private key, PEM or PFX."),
    Spec("certificate_passphrase_file", says.path, "FILE", "The passphrase of the certificate's key."),
    Spec("client_secret_file", says.path, "FILE", "The app's secret; or set BULKEXO_CLIENT_SECRET."),
    Spec("federated_token_file", says.path, "FILE", "An assertion of who this is, read for each sign-in."),
    Spec("token_file", says.path, "FILE", "A file with a token, read again when the service refuses it."),
    Spec("workers", says.whole(1, 1000), "N", "Spread the tenants over N processes of this machine."),
    Spec("cluster", says.scheduler, "URL", "Spread them over the Dask cluster whose scheduler is there."),
    Spec(
        "cluster_listen", says.listen, "HOST[:PORT]", "Where its workers reach this process. Default: found."
    ),
    Spec("worker_timeout", says.lease, "SECONDS", "Give up a worker that is not heard of for so long: 10."),
    Spec("tenants_per_worker", says.whole(1, 10_000), "N", "At most N tenants at once on one. Default: 100."),
    Spec(
        "worker_sign_in", says.signer, "WHO", "Who gets tokens: coordinator (this process, default), worker."
    ),
    Spec("sandbox", says.switch, "", "Run on a pretend tenant on this machine; no account needed."),
    Spec("sandbox_options", says.text, "TEXT", "Options for that tenant, as `bulkexo sandbox` takes them."),
    Spec("dry_run", says.switch, "", "Send nothing; show the counts and the first batch as it would go."),
    Spec("export", says.several_named, "FILE", "Then write the table: .csv, .xlsx, .parquet or .ndjson."),
    Spec("compare_with", says.earlier, "RUN", "Then list what changed since RUN; `latest` finds the newest."),
    Spec("ignore", says.names, "NAMES", "Columns that do not count as changed, with commas; * is any text."),
    Spec("threshold", says.share, "N%", "Numbers and sizes count as changed from this share on."),
    Spec("changed_exit_code", says.whole(5, 125), "N", "End with this code, not 0, if something changed."),
    Spec("report", says.switch, "", "Write report.html into the run's folder at its end."),
    Spec("yes", says.switch, "", "Do not ask before changes are made."),
    Spec("no_progress", says.switch, "", "No progress display."),
    Spec("quiet", says.switch, "", "Nothing but errors, questions, and one line at the end."),
    Spec("json", says.switch, "", "The summary as one JSON object on stdout."),
    Spec("log_file", says.named, "FILE", "Append to this file what happens; ${date} is filled in."),
    Spec("log_level", says.level, "LEVEL", "What goes there: debug, info (default), warning or error."),
    Spec("telemetry", says.switch, "", "Send metrics and traces by OTLP/HTTP, as OTEL_* variables say."),
)
HEADINGS = {
    "cmdlet": "The job",
    "rate": "Pace",
    "retries": "When something fails",
    "tenant": "Where",
    "auth": "Who signs in",
    "workers": "Many tenants",
    "sandbox": "Rehearsing",
    "export": "When it is complete",
    "yes": "On the screen",
}
"""Of --help, by the option that each begins with."""
MANY = frozenset({"set", "export", "ignore"})
"""Options that can be given several times; in YAML, as a list."""
PATHS = (says.path, says.named, says.several_named, says.earlier)
"""What reads paths: they start from the folder of the file in which they stand."""

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
            found[spec.name] = _absolute(start, spec.parse(value)) if spec.parse in PATHS else value
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
            found[spec.name] = _from(start, parsed)
    if problems:
        raise JobError(problems)
    return Options(**found)


def _from(start: Path, parsed: Any) -> Any:
    """A value with its paths, if it has any, from a folder."""
    if isinstance(parsed, tuple):
        return tuple(_from(start, each) for each in parsed)
    return start / parsed if isinstance(parsed, Path) else parsed


def _absolute(start: Path, parsed: Any) -> Any:
    if isinstance(parsed, tuple):
        return [_absolute(start, each) for each in parsed]
    return str((start / parsed).resolve()) if isinstance(parsed, Path) else parsed


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

"""`bulkexo run` and `bulkexo check`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bulkexo.cli.completing import of_option, runs
from bulkexo.cli.terminal import hush, person_at, say, tell
from bulkexo.model import UsageError
from bulkexo.options import HEADINGS, MANY, NAMES, TABLE, Layer, resolve

if TYPE_CHECKING:
    from bulkexo.facts.granted import Granted
    from bulkexo.job import Checked, Job
    from bulkexo.tenants import Directory, Tenant

Function = TypeVar("Function", bound=Callable[..., Any])
JOB_KEYS = frozenset({"cmdlet", "set", "select", "sheet"})
"""Options that the loader takes, since they are part of the job."""
NOT_OF_A_PLAN = (
    JOB_KEYS
    | {"out", "tenant_column", "dry_run", "yes", "json", "no_progress"}
    | {
        "quiet",
        "log_file",
        "log_level",
    }
)
"""Options of making a plan that do not go over to running it."""

READ_VERBS = ("get-", "test-", "search-")


def table_options(names: Container[str]) -> Callable[[Function], Function]:
    """These options, from the one table of them; resolved later, with the environment and the YAML."""

    def decorate(function: Function) -> Function:
        for spec in reversed(TABLE):
            if spec.name not in names:
                continue
            if spec.placeholder:
                many = spec.name in MANY
                option = click.option(
                    spec.flag,
                    metavar=spec.placeholder,
                    multiple=many,
                    help=spec.help,
                    shell_complete=of_option(spec.name),
                )
            else:
                option = click.option(spec.flag, is_flag=True, default=None, help=spec.help)
            function = option(function)
        return function

    return decorate


class Sectioned(click.Command):
    """A command with the options of a run, which --help shows under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options: those of the table by its sections, the command's own last."""
        heading, headings = "", {}
        for spec in TABLE:
            headings[spec.name] = heading = HEADINGS.get(spec.name, heading)
        shown: dict[str, list[tuple[str, str]]] = {each: [] for each in HEADINGS.values()}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (line := parameter.get_help_record(ctx)) is not None:
                shown.setdefault(headings.get(parameter.name or "", "Besides"), []).append(line)
        for name, lines in shown.items():
            with formatter.section(name):
                formatter.write_dl(lines)


def run_options(argument: str, metavar: str, *, required: bool = True) -> Callable[[Function], Function]:
    """The argument of a command and the options of a run."""

    def decorate(function: Function) -> Function:
        function = table_options(NAMES)(function)
        return click.argument(
            argument,
            metavar=metavar if required else f"[{metavar}]",
            required=required,
            type=click.Path(path_type=Path),
            shell_complete=runs if metavar == "RUN" else None,
        )(function)

    return decorate


@click.command(cls=Sectioned)
@run_options("job", "JOB")
@click.option("--online", is_flag=True, help="Ask the tenant as well, by reads alone.")
def check(job: Path, online: bool, **given: Any) -> None:
    """Read and check the whole job; send nothing.

    Example:  bulkexo check mailboxes.csv --cmdlet Set-Mailbox

    With --online the tenant is asked, by Get- cmdlets alone, whether each object is there, whether it is
    mastered on-premises, and whether a name or address that is to be new is taken. With --out DIR all that is
    found goes to check.csv in that folder; the first 20 are shown.
    """
    from bulkexo.cli.ending import require

    loaded, directory = load_job(job, given)
    checked = loaded.check()
    tenants = directory.tenants(list(checked.tenants))
    notes(checked)
    require(directory.options, job)
    if questions := loaded.questions:
        names = ", ".join(dict.fromkeys(each.item.cmdlet for each in questions))
        say(f"{job} can run, as far as can be told now: its rows are asked for when it runs ({names}).")
        if online:
            say("--online asks about rows that are known; these come from the tenant itself.")
        return
    for line in told(tenants, checked):
        say(line)
    for line in destruction(checked):
        say(f"Note: {line} `run` asks first, and needs --yes where nobody can answer.")
    if online:
        from bulkexo.cli.online import look

        look(loaded, checked, directory.options, tenants)
    for line in course(loaded, checked):
        say(line)
    noted = " Read the notes above first." if checked.warnings else ""
    say(f"{job} can run: {sizes(checked)}.{noted}")


@click.command(cls=Sectioned)
@run_options("job", "JOB", required=False)
@click.option(
    "--plan", metavar="FILE", type=click.Path(path_type=Path), help="Run what `bulkexo plan` has shown."
)
@click.option("--go-on", is_flag=True, help="If the run in --out stopped before its end, go on with it.")
@click.pass_context
def run(context: click.Context, /, job: Path | None, plan: Path | None, go_on: bool, **given: Any) -> int:
    """Run a job: every row a cmdlet, in batches; the outcome of each in results.ndjson.

    Example:  bulkexo run mailboxes.csv --cmdlet Set-Mailbox --tenant contoso.onmicrosoft.com

    Every option can also stand in the YAML (with _ for -) and in the environment (BULKEXO_RATE for --rate);
    the command line comes first, then the environment, the YAML, and the profile. JOB can be the folder of
    a run that stopped: it is gone on with, as by `bulkexo resume`.

    --plan FILE runs a plan.ndjson instead of a job: what was to change, as long as it is what it was then.
    --go-on lets a scheduler try again with the same command.
    """
    if job is None or plan is not None:
        job = _planned(job, plan)
    if _is_run(job):
        return _resumed(context, job, given)
    loaded, directory = load_job(job, given)
    if go_on and (left := _left(job, directory.options.out)):
        return _resumed(context, left, given)
    checked = loaded.check()
    tenants = directory.tenants(list(checked.tenants))
    notes(checked)
    options = directory.options
    if options.dry_run:
        from bulkexo.cli.dry_run import show

        show(loaded, checked, tenants[0].options)
        return 0
    from bulkexo.cli.start import Start, start

    confirm(checked, tenants)
    return start(Start(loaded, checked, options, tenants, directory.words.stated()), options.out)


def _resumed(context: click.Context, run: Path, given: Mapping[str, Any]) -> int:
    from bulkexo.cli.runs import resume

    return int(context.invoke(resume, run=run, accept_changed_input=False, **given))


def _left(job: Path, out: Path | None) -> Path | None:
    """The folder of a run of this job that stopped, or lacks what comes after it, where a new one would go;
    None if there is none."""
    from bulkexo.cli.start import run_folder

    if out is None:
        raise UsageError("--go-on needs --out: else every run has a folder of its own.")
    folder = run_folder(out, job, finishing=True)
    return folder if _is_run(folder) else None


def _planned(job: Path | None, plan: Path | None) -> Path:
    if plan is None:
        raise UsageError("Name the job: bulkexo run JOB, or bulkexo run --plan plan.ndjson.")
    if job is not None:
        raise UsageError("A plan is the job: leave out one of the two.")
    file = plan / "plan.ndjson" if plan.is_dir() else plan
    if file.suffix.lower() != ".ndjson":
        raise UsageError(f"{plan} is no plan: give the plan.ndjson that `bulkexo plan` has written.")
    return file


def _is_run(path: Path) -> bool:
    try:
        return (path / "run.json").is_file()
    except OSError:  # a name that cannot be: the loader tells why
        return False


def load_job(path: Path, given: Mapping[str, Any]) -> tuple[Job, Directory]:
    """The head of a job, and who is signed in to for it. A plan brings the options that it was made with."""
    from bulkexo.job import load
    from bulkexo.job.planned import MADE, made_with
    from bulkexo.tenants import Directory, Words

    first = resolve({name: given[name] for name in (*JOB_KEYS, "tenant_column")}, os.environ)
    loaded = load(
        path,
        cmdlet=first.cmdlet,
        sets=first.set,
        select=first.select,
        sheet=first.sheet,
        option_names=NAMES - JOB_KEYS,
        tenant_column=first.tenant_column,
    )
    document = Layer(loaded.options, loaded.options_where, path.parent)
    recorded = None
    if loaded.planned:
        options, recorded = made_with(path, NAMES - NOT_OF_A_PLAN)
        document = Layer(options, lambda name: f"{path.parent / MADE}, {name}")
    words = Words(given, os.environ, document, os.environ)
    directory = Directory.look(words, Path(), names_tenants=loaded.names_tenants, recorded=recorded)
    loaded.profiles = directory.profiles.by_name.keys()
    loaded.granted = known_grants(loaded, directory)
    hush(directory.options.quiet)
    return loaded, directory


def known_grants(job: Job, directory: Directory) -> Granted | None:
    """What the one tenant of a job is known to grant, if `bulkexo catalogue refresh` has asked it."""
    from bulkexo.grants import recall

    options = directory.options
    return None if job.names_tenants or options.sandbox else recall(options.connection)


def notes(checked: Checked) -> None:
    """Say what is unusual about a job."""
    for warning in checked.warnings:
        tell(f"Note: {warning}")


def sizes(checked: Checked) -> str:
    """How much a job is."""
    from bulkexo.report.words import many

    kinds = ", ".join(f"{count:,} × {name}" for name, count in checked.by_cmdlet.items())
    return f"{many(checked.rows, 'row')}, {many(checked.items, 'item')} ({kinds})"


def course(job: Job, checked: Checked) -> list[str]:
    """In which waves and hours a job goes on, a line each, if it says so."""
    bounds, hours = job.course.bounds(checked.rows), job.course.hours
    waves = [f"{last - before:,}" for before, last in zip([0, *bounds], bounds, strict=False)]
    lines = [f"In {len(waves)} waves, of {', '.join(waves)} rows."] if len(waves) > 1 else []
    return [*lines, f"In these hours: {hours}."] if hours else lines


def told(tenants: Sequence[Tenant], checked: Checked) -> list[str]:
    """The tenants of a job that names them, or of a profile, and how each is signed in to: a line each."""
    from bulkexo.cli.signing import how

    lines = []
    for tenant in tenants:
        if tenant.name or tenant.profile:
            items = checked.tenants.get(tenant.name, checked.items)
            name = tenant.options.tenant or "the token's tenant"
            profile = f", profile {tenant.profile.name}" if tenant.profile else ""
            lines.append(f"{items:>10,}  {name}{profile}: {how(tenant)}")
    return lines


def destruction(checked: Checked) -> list[str]:
    """What a job takes away that no cmdlet gives back: a sentence for each of its cmdlets."""
    return [
        f"{count:,} × {name}: {why}; no cmdlet takes that back."
        for name, (count, why) in checked.destroys.items()
    ]


def confirm(checked: Checked, tenants: Sequence[Tenant]) -> None:
    """Ask once before changes, where somebody can answer. A scheduled run goes on, unless something is
    destroyed: then raises UsageError, since only --yes says that it is meant."""
    options = tenants[0].options
    writes = [name for name in checked.by_cmdlet if not name.lower().startswith(READ_VERBS)]
    if options.yes or options.sandbox or not writes:
        return
    lost = destruction(checked)
    if not person_at(sys.stdin, sys.stderr):
        if lost:
            raise UsageError(f"{' '.join(lost)} Nobody is there to answer for it: give --yes if it is meant.")
        return
    for line in lost:
        say(line)
    where = options.tenant or "the token's tenant"
    if len(tenants) > 1:
        where = f"{len(tenants):,} tenants, {where} the first of them"
    click.confirm(f"{sizes(checked)} will be sent to {where}. Go on?", abort=True, err=True)

"""Words, options, progress, exit codes. Imports late, so that `--help` is instant. Floor 5."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

from bulkexo import __version__

COMMANDS = {
    "run": ("bulkexo.cli.jobs", "Run a job."),
    "check": ("bulkexo.cli.jobs", "Read and check the whole job; send nothing."),
    "plan": ("bulkexo.cli.plan", "Read today's values and show what a job would change."),
    "resume": ("bulkexo.cli.runs", "Go on with a run that stopped."),
    "retry": ("bulkexo.cli.runs", "A new run of the items that failed in a run."),
    "status": ("bulkexo.cli.status", "How runs stand, also from another terminal."),
    "report": ("bulkexo.cli.report", "report.html: what a run has done, to read, mail or print."),
    "undo": ("bulkexo.cli.undo", "A job that puts back what a run has changed."),
    "export": ("bulkexo.cli.export", "What the cmdlets of a run returned, as a table."),
    "compare": ("bulkexo.cli.compare", "What changed since an earlier run of a report."),
    "login": ("bulkexo.cli.login", "Sign in once as a person; runs use it from then on."),
    "logout": ("bulkexo.cli.login", "Forget who has signed in."),
    "profiles": ("bulkexo.cli.profiles", "The profiles of bulkexo.toml, and how each signs in."),
    "catalogue": ("bulkexo.cli.catalogue", "What is known of cmdlets, and which a tenant grants."),
    "completion": ("bulkexo.cli.completion", "A script by which the shell completes what is typed."),
    "sandbox": ("bulkexo.cli.sandbox", "Serve a pretend tenant on this machine."),
}
"""Name → (module that holds it under that name, its line in --help)."""
HEADINGS = {"run": "Jobs", "resume": "Runs", "login": "Signing in", "catalogue": "Besides"}
"""Of --help, by the command that each begins with."""

COMPLETE = "_BULKEXO_COMPLETE"
"""The variable by which a shell asks for what may follow."""
LINGER = 0.5
"""Seconds that threads have to end at the end."""

NO_ROOM = frozenset({errno.ENOSPC, errno.EIO, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Why stdout refuses what is written to it, besides that its reader has gone."""


class LateGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command if isinstance(command, click.Command) else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands and options that begin so, told without importing anything."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=words)
            for name, (_, words) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in --help, written without importing anything."""
        shown: dict[str, list[tuple[str, str]]] = {}
        heading = ""
        for name, (_, words) in COMMANDS.items():
            heading = HEADINGS.get(name, heading)
            shown.setdefault(heading, []).append((name, words))
        width = max(map(len, COMMANDS))
        for heading, lines in shown.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), words) for name, words in lines])


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bulkexo")
def root() -> None:
    """Bulk Exchange Online changes and reports: a job of many rows runs in batches, paced and retried, and
    the outcome of every item is written down.

    Start with:  bulkexo run jobs/department.yaml --sandbox
    """


def main() -> None:
    """The entry point: runs the command line and exits with the contract's code."""
    from bulkexo.cli.terminal import abandon

    code = _code()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            abandon(stream)
    if _held():
        os._exit(code)  # we were interrupted; a thread that waits for a sign-in service would hold us
    sys.exit(code)


def _held() -> bool:
    """Whether a thread still works, which Python would wait for; idle ones end in a moment."""
    deadline = time.monotonic() + LINGER
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    for thread in others:
        if not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
    return any(thread.is_alive() and not thread.daemon for thread in others)


def _code() -> int:
    """What the command line comes to, with its words said."""
    from bulkexo.model import BulkexoError

    try:
        if COMPLETE in os.environ:
            import bulkexo.cli.completion  # noqa: F401 (one shell more)
        code = root.main(standalone_mode=False, prog_name="bulkexo", complete_var=COMPLETE)
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return 2
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            return _say("Interrupted.", 3)
        return _say("Nothing was sent.", 2)
    except BulkexoError as error:
        return _say(words(error), error.exit_code)
    except SystemExit:  # click's own way out when whoever read the help has gone
        return 0
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            return _say(f"The output cannot be written ({error.strerror}).", 3)
        return _unexpected(error)
    except BaseExceptionGroup as group:
        return _unexpected(group)
    except Exception as error:
        return _unexpected(error)
    return code if isinstance(code, int) else 0


def _unexpected(error: BaseException) -> int:
    """The last resort: a mistake of ours, told without a traceback unless one is asked for."""
    import traceback

    if os.environ.get("BULKEXO_DEBUG"):
        traceback.print_exception(error)
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return _say(
        f"bulkexo failed by a mistake of its own ({type(error).__name__}: {error}). What had ended is in the "
        "run's folder. Please report it, with the output of the same command under BULKEXO_DEBUG=1.",
        3,
    )


def words(error: Exception) -> str:
    """An error as it is shown: the sentence, or the list of what is wrong with a job."""
    from bulkexo.model import JobError

    if not isinstance(error, JobError):
        return str(error)
    lines = [f"  {problem}" for problem in error.problems]
    if error.total > len(lines):
        lines.append(f"  … and {error.total - len(lines):,} more.")
    count = "1 problem" if error.total == 1 else f"{error.total:,} problems"
    return "\n".join([f"The job cannot run ({count}); nothing was sent.", *lines])


def _say(text: str, code: int) -> int:
    from bulkexo.cli.terminal import say

    say(text)
    return code

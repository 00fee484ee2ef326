"""Words, options, progress, exit codes. Imports late, so that `--help` is instant. Floor 5."""

from __future__ import annotations

import importlib
import os
import sys

import click

from bulkexo import __version__

COMMANDS = {
    "run": ("bulkexo.cli.jobs", "Run a job."),
    "check": ("bulkexo.cli.jobs", "Read and check the whole job; send nothing."),
    "resume": ("bulkexo.cli.runs", "Go on with a run that stopped."),
    "retry": ("bulkexo.cli.runs", "A new run of the items that failed in a run."),
    "sandbox": ("bulkexo.cli.sandbox", "Serve a pretend tenant on this machine."),
}
"""Name → (module that holds it under that name, its line in --help)."""


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in --help, written without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bulkexo")
def root() -> None:
    """Bulk Exchange Online changes and reports: a job of many rows runs in batches, paced and retried, and
    the outcome of every item is written down.

    Start with:  bulkexo run jobs/department.yaml --sandbox
    """


def main() -> None:
    """The entry point: runs the command line and exits with the contract's code."""
    from bulkexo.model import BulkexoError

    try:
        code = root.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except click.Abort:
        code = _say("Nothing was sent.", 2)
    except BulkexoError as error:
        code = _say(words(error), error.exit_code)
    except KeyboardInterrupt:
        code = _say("Interrupted before anything was sent.", 3)
    except BaseExceptionGroup as group:
        code = _unexpected(group)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 3
    except Exception as error:
        code = _unexpected(error)
    sys.exit(code if isinstance(code, int) else 0)


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
    click.echo(text, err=True)
    return code

"""What the shell is told while somebody types: cmdlets, runs, profiles, the values of options."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bulkexo.runsin import runs_in

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

Completer: TypeAlias = "Callable[[click.Context, click.Parameter, str], list[CompletionItem]]"
FILES = frozenset(
    {"ca_file", "certificate", "certificate_passphrase_file", "client_secret_file", "federated_token_file"}
    | {"token_file", "log_file"}
)
FOLDERS = frozenset({"out"})
RUNS = "runs"


def of_option(name: str) -> Completer | None:
    """What completes the value of an option of a run."""

    def complete(
        _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        if name in FILES or name in FOLDERS:
            return [_item(incomplete, type="file" if name in FILES else "dir")]
        return _beginning(incomplete, _values(name))

    return complete


def runs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Folders of runs: those under ./runs, or in the folder that has been typed; the newest first. Where
    there are none, the shell completes folders."""
    typed = incomplete.replace("\\", "/")
    parent = Path(incomplete[: typed.rfind("/") + 1] or RUNS)
    begun = typed[typed.rfind("/") + 1 :]  # without a folder: its name alone, or `runs` itself
    found = [path for path in runs_in(parent) if path.name.startswith(begun)]
    if not found and RUNS.startswith(typed):
        found = runs_in(parent)
    return [_item(str(path)) for path in found] or [_item(incomplete, type="dir")]


def _values(name: str) -> Iterable[str]:
    if name == "cmdlet":
        from bulkexo.facts.catalogue import names

        return names()
    if name == "profile":
        from bulkexo.model import BulkexoError
        from bulkexo.profiles import read_profiles

        try:
            return sorted(profile.name for profile in read_profiles(Path()).by_name.values())
        except BulkexoError:  # nobody asked for its words now
            return ()
    from bulkexo.choices import Format, OnUnknown, Order
    from bulkexo.connection import Auth
    from bulkexo.says import LEVELS
    from bulkexo.wire.hosts import CLOUDS

    choices: dict[str, Iterable[str]] = {
        "cloud": CLOUDS,
        "auth": Auth,
        "order": Order,
        "on_unknown": OnUnknown,
        "response_format": Format,
        "log_level": LEVELS,
    }
    return choices.get(name, ())


def _beginning(incomplete: str, values: Iterable[str]) -> list[CompletionItem]:
    """Those that begin so, whatever the case."""
    return [_item(str(value)) for value in values if str(value).lower().startswith(incomplete.lower())]


def _item(value: str, type: str = "plain") -> CompletionItem:
    from click.shell_completion import CompletionItem

    return CompletionItem(value, type=type)

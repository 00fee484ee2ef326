"""Which run a report is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bulkexo.journal import RunFolder
from bulkexo.model import UsageError
from bulkexo.says import LATEST

SAME: Final = ("sandbox", "tenant", "profile", "endpoint")
"""Options that say of which tenant a run is."""


def whole_run(path: Path) -> RunFolder:
    """A run that can be compared. Raises UsageError."""
    folder = RunFolder(path)
    require_whole(folder, folder.read())
    return folder


def earlier_run(of: RunFolder, named: Path | str) -> RunFolder | None:
    """The run that another is to be compared with: its folder, or `latest`; None if there is none yet. Raises
    UsageError."""
    if named == LATEST:
        return latest_run(of, of.read())
    folder = whole_run(Path(named))
    if folder.path.resolve() == of.path.resolve():
        raise UsageError(f"{of.path} is compared with itself. Name an earlier run.")
    return folder


def require_whole(folder: RunFolder, first: Mapping[str, Any]) -> None:
    """Raises UsageError if a run is not complete, or of chosen rows only: what it lacks would seem to have
    gone."""
    if first.get("state") != "complete":
        raise UsageError(
            f"{folder.path} is not complete, so what it lacks would seem to have gone. Go on with it by "
            f"`bulkexo resume {folder.path}`, or compare with another."
        )
    if folder.chosen.exists():
        raise UsageError(
            f"{folder.path} is a new run of some rows of another (`bulkexo retry`), and no whole report."
        )


def latest_run(of: RunFolder, first: Mapping[str, Any]) -> RunFolder | None:
    """The newest complete run of the same job, on the same tenant, that lies beside a run and began before
    it; None if there is none. first: its run.json. Raises UsageError if the folder cannot be read."""
    newest: tuple[str, RunFolder] | None = None
    own = of.path.absolute()
    try:
        others = [
            of.path.parent / path.name
            for path in own.parent.iterdir()
            if path != own and (path / "run.json").is_file()
        ]
    except OSError as error:
        raise UsageError(
            f"{own.parent} cannot be read ({error.strerror}). Name the earlier run itself."
        ) from None
    for path in others:
        folder = RunFolder(path)
        try:
            other = folder.read()
            require_whole(folder, other)
        except UsageError:
            continue
        began = str(other.get("started") or "")
        if _whose(other) == _whose(first) and began < str(first.get("started") or ""):
            newest = max(newest or (began, folder), (began, folder), key=lambda each: each[0])
    return newest[1] if newest else None


def unlike(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> str:
    """Why two runs should hardly be compared, as a sentence; "" if they can be. Each: its run.json."""
    jobs = [str((each.get("job") or {}).get("path")) for each in (earlier, later)]
    if Path(jobs[0]).name != Path(jobs[1]).name:
        return f"Note: the one is a run of {jobs[0]}, the other of {jobs[1]}."
    if _whose(earlier)[1:] != _whose(later)[1:]:
        return "Note: the two runs are not of the same tenant, as far as their options tell."
    return ""


def _whose(first: Mapping[str, Any]) -> tuple[Any, ...]:
    options = first.get("options") or {}
    return ((first.get("job") or {}).get("path"), *(options.get(name) for name in SAME))

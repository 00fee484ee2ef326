"""A run's folder: made for one run, never written over."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from bulkexo.model import UsageError
from bulkexo.whole import whole

_KINDS: Final = {
    **dict.fromkeys(("job", "options", "counts", "exports", "waves"), dict),
    **dict.fromkeys(("state", "reason", "started", "ended"), str),
}
"""Members of run.json, and what they are; what is something else counts as missing."""


def sync_names(path: Path) -> None:
    """Wait until the disk knows the files of a folder by their names, where it can be told so (POSIX)."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class RunFolder:
    """The folder and the names in it (contract: A run's folder). goes_on: `resume` goes on with it."""

    goes_on = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_json = path / "run.json"
        self.results = path / "results.ndjson"
        self.failed = path / "failed.csv"
        self.announced = path / "announced.ndjson"
        self.before = path / "before.ndjson"
        self.chosen = path / "chosen.bin"
        self.pages = path / "pages"
        self.earlier = path / "earlier.ndjson"
        self.progress = path / "progress.ndjson"

    @property
    def answers(self) -> list[Path]:
        """The files with the rows that were asked of tenants."""
        return sorted(self.path.glob("rows*.ndjson"))

    def copy_answers(self, other: RunFolder) -> None:
        """Take over the rows of another run, of which this one does some again. Raises OSError."""
        for path in other.answers:
            copy = self.path / path.name
            shutil.copyfile(path, copy)
            with copy.open("r+b") as file:
                os.fsync(file.fileno())

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Make the folder. Raises UsageError if it holds a run already or cannot be made."""
        folder = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            folder.require_no_run()
        except OSError as error:
            raise UsageError(
                f"The run folder {path} cannot be made ({error.strerror}). Give --out."
            ) from None
        return folder

    def require_no_run(self) -> None:
        """Raise UsageError if the folder holds a run; asked again under the lock, for two may start at once.

        run.json comes before every other file, so that whatever a crash leaves can be gone on with.
        """
        if self.run_json.exists():
            raise UsageError(
                f"{self.path} holds a run already, and a run is never written over. Go on with it by "
                f"`bulkexo resume {self.path}`, or give another folder with --out."
            )
        for file in (self.results, self.failed, self.announced, self.before, self.pages, self.progress):
            if file.exists():
                raise UsageError(
                    f"{self.path} holds {file.name}, which belongs to no run. Give another folder with --out."
                )

    def choose(self, chosen: bytes | None) -> None:
        """Keep which items belong to the run (see Past.chosen), None for all; before run.json, after which
        it counts. Raises OSError."""
        if chosen is None:
            self.chosen.unlink(missing_ok=True)  # of a start that came no further
        else:
            self._replace(self.chosen, chosen)

    def read_chosen(self, items: int) -> bytes | None:
        """Which items belong to the run (see Past.chosen). Raises UsageError."""
        try:
            chosen = self.chosen.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(
                f"{self.chosen} cannot be read ({error.strerror}). Check who may read it."
            ) from None
        if len(chosen) != items:
            raise UsageError(
                f"{self.chosen} is for {len(chosen):,} items, and the job has {items:,}: it is another's. "
                "Put back the job as it was."
            )
        return chosen

    def read(self) -> dict[str, Any]:
        """run.json, without members that are not what they should be. Raises UsageError if the folder holds
        no run."""
        try:
            document = orjson.loads(self.run_json.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            plan = self.path / "plan.ndjson"
            do = (
                f"It holds a plan: `bulkexo run --plan {plan}`." if plan.is_file() else "Name one below runs."
            )
            raise UsageError(f"{self.path} is not the folder of a run: it has no run.json. {do}") from None
        except OSError as error:
            raise UsageError(
                f"{self.run_json} cannot be read ({error.strerror}). Check who may read it."
            ) from None
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            raise UsageError(f"{self.run_json} does not describe a run. Restore it from a copy.")
        return {
            name: value for name, value in document.items() if isinstance(value, _KINDS.get(name, object))
        }

    def write(self, document: Mapping[str, Any]) -> None:
        """Rewrite run.json as a whole: a reader sees the old one or the new one. Raises OSError."""
        self._replace(
            self.run_json, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )

    def _replace(self, path: Path, content: bytes) -> None:
        with whole(path) as file:
            file.write(content)
        sync_names(self.path)

    def discard(self) -> None:
        """Take back a folder in which nothing happened, so that the same command can run again.

        Dying on the way, or a disk that refuses, leaves a run that can be gone on with, or none.
        """
        with contextlib.suppress(OSError):  # also of a folder that holds something of the user's
            files = (self.results, self.failed, self.announced, self.before, self.progress, self.chosen)
            for file in (*files, self.run_json, *self.answers):
                file.unlink(missing_ok=True)
            self.path.rmdir()

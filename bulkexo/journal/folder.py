"""A run's folder: made for one run, never written over."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from bulkexo.model import UsageError


class RunFolder:
    """The folder and the names in it (contract: A run's folder)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_json = path / "run.json"
        self.results = path / "results.ndjson"
        self.failed = path / "failed.csv"
        self.announced = path / "announced.ndjson"
        self.chosen = path / "chosen.bin"

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Make the folder. Raises UsageError if it holds a run already or cannot be made."""
        folder = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            taken = any(file.exists() for file in folder._files())
        except OSError as error:
            raise UsageError(
                f"The run folder {path} cannot be made ({error.strerror}). Give --out."
            ) from None
        if taken:
            raise UsageError(
                f"{path} holds a run already, and a run is never written over. Go on with it by "
                f"`bulkexo resume {path}`, or give another folder with --out."
            )
        return folder

    def read(self) -> dict[str, Any]:
        """run.json. Raises UsageError if the folder holds no run."""
        try:
            document = orjson.loads(self.run_json.read_bytes())
        except FileNotFoundError:
            raise UsageError(f"{self.path} is not the folder of a run: it has no run.json.") from None
        except (OSError, orjson.JSONDecodeError) as error:
            raise UsageError(f"{self.run_json} cannot be read ({error}).") from None
        if not isinstance(document, dict):
            raise UsageError(f"{self.run_json} does not describe a run.")
        return document

    def write(self, document: Mapping[str, Any]) -> None:
        """Rewrite run.json as a whole: a reader sees the old one or the new one. Raises OSError."""
        fresh = self.run_json.with_suffix(".json.new")
        try:
            with fresh.open("wb") as file:
                file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.run_json)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise

    def discard(self) -> None:
        """Take back a folder in which nothing happened, so that the same command can run again."""
        for file in self._files():
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: it holds something of the user's
            self.path.rmdir()

    def _files(self) -> tuple[Path, ...]:
        return self.run_json, self.results, self.failed, self.announced, self.chosen

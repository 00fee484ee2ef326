"""The runs under a folder, found without reading them. Floor 0."""

from __future__ import annotations

from pathlib import Path


def runs_in(folder: Path) -> list[Path]:
    """The folders of runs right under `folder`, those first that were last written to."""
    try:
        found = [path for path in folder.iterdir() if (path / "run.json").is_file()]
        return sorted(found, key=lambda path: (path / "run.json").stat().st_mtime, reverse=True)
    except OSError:
        return []

"""Names with the day in them: `${date}`, `${time}` and `${job}` in --out, --export and `export --to`.

The date is that of the machine's own clock and zone, as `date +%F` gives it: a report of six in the morning
is called by the day on which people read it. A second use on the same day gets a number, never the place of
the first.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

_PART: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[^}]*)\})")
NAMES: Final = ("date", "time", "job")
MOST: Final = 1000
"""Numbers that are tried for a name that is taken."""


def check_name(text: str) -> None:
    """Raises ValueError, a sentence, if a name has a `${…}` that means nothing."""
    for match in _PART.finditer(text):
        name = match["name"]
        if name is not None and name.strip().lower() not in NAMES:
            raise ValueError(f"${{{name}}} means nothing here: write ${{date}}, ${{time}}, ${{job}}, or $$.")


def dated(path: Path, now: datetime, job: str) -> Path:
    """The path with its names filled in. now: local time. job: what stands for `${job}`."""
    values = {"date": f"{now:%Y-%m-%d}", "time": f"{now:%H%M%S}", "job": job}

    def fill(match: re.Match[str]) -> str:
        return "$" if match["dollar"] else values[match["name"].strip().lower()]

    return Path(_PART.sub(fill, str(path)))


def is_dated(path: Path) -> bool:
    """Whether a path has a name to be filled in, so that further ones may get a number."""
    return any(match["name"] for match in _PART.finditer(str(path)))


def numbered(path: Path, number: int) -> Path:
    """`sizes-2026-11-24.xlsx` → `sizes-2026-11-24-2.xlsx`; the first has no number. A folder's name has no
    extension, whatever points are in it."""
    return path if number < 2 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def numbered_folder(path: Path, number: int) -> Path:
    """The same of a folder, whose name has no extension, whatever points are in it."""
    return path if number < 2 else path.with_name(f"{path.name}-{number}")


def of_the_day(path: Path, started: str, job: Path, *, over: bool = False) -> Path:
    """The name of a table of a run: with the day on which that began; if it has a day in it and is taken,
    with a number. started: as run.json has it. over: a file that is there is meant."""
    began = datetime.fromisoformat(started).astimezone()
    name = dated(path, began, job.stem)
    if over or not is_dated(path):
        return name
    return next((each for number in range(1, MOST) if not (each := numbered(name, number)).exists()), name)

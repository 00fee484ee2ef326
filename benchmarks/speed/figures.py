"""What a benchmark has found: lines on a terminal, and rows for the table of `bench.py`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """what: was measured. figure: of it, with its unit. reference: what stands beside it, measured in the
    same run. ratio: of the two. target: "" if there is none; missed: whether it was."""

    what: str
    figure: str
    reference: str
    ratio: str
    target: str = ""
    missed: bool = False

    @property
    def wanted(self) -> str:
        """The target, and whether it was missed."""
        return f"{self.target}: missed" if self.missed else self.target

    def cells(self) -> tuple[str, ...]:
        """As a row."""
        return self.what, self.figure, self.reference, self.ratio, self.wanted


def argument(parser: argparse.ArgumentParser) -> None:
    """Where `tell` is to leave them, which `bench.py` gives."""
    parser.add_argument("--figures", type=Path, help=argparse.SUPPRESS)


def tell(figures: Sequence[Figure], to: Path | None) -> int:
    """Print them, and leave them in a file for `read`; 1 if a target is missed."""
    rows = [each.cells() for each in figures]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if to is not None:
        to.write_text(json.dumps([asdict(each) for each in figures]), encoding="utf-8")
    return int(any(each.missed for each in figures))


def read(path: Path) -> list[Figure]:
    """What another process has left there; nothing if it left nothing."""
    return [Figure(**each) for each in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []

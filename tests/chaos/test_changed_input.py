"""Going on with a job whose file has changed, dying on the way, and going on without saying so again."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from .processes import lines
from .rows import Row, effect, write
from .stage import OPTIONS, Blow, Stage, stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

STEPS = range(16, 60, 12)


def resume(on: Stage, blow: Blow, *more: str) -> int:
    return on.forker.run(["resume", str(on.run), *more, *OPTIONS], blow.at, half=blow.half)


@pytest.mark.parametrize("at", STEPS)
def test_rows_before_the_old_ones(tmp_path: Path, at: int) -> None:
    with stage(tmp_path, at, 2) as on:
        added = on.writer.rows()
        old = on.rows()
        on.start(Blow(35))  # most of it ends
        changed = [Row(number, row.cells) for number, row in enumerate([*added[:5], *old, *added[5:]], 1)]
        write(changed, on.job)
        assert resume(on, Blow()) == 2
        assert "--accept-changed-input" in on.forker.words.read_text()
        code = resume(on, Blow(at, half=True), "--accept-changed-input")
        while code not in (0, 1):
            code = resume(on, Blow())
        assert code == 0, on.forker.words.read_text()[-2000:]
        made = Counter(
            effect(line["cmdlet"], line["parameters"]) for line in lines(on.tenant.journal) if line["changed"]
        )
        assert made == Counter(row.effect for row in changed)
        keys = Counter(line["key"] for line in lines(on.run / "results.ndjson"))
        assert len(keys) == len(changed)
        assert set(keys.values()) == {1}
        assert resume(on, Blow()) == 0  # complete, and so it stays
        assert sum(keys.values()) == len(lines(on.run / "results.ndjson"))

"""--out with the day in it: a new folder for each run, and none of them written over."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .command import bulkexo, document

JOB = """\
out: reports/${job}-${date}
rows: [{Id: mailbox1@contoso.onmicrosoft.com}]
cmdlet: Get-Mailbox
parameters: {Identity: "${Id}"}
select: [Guid]
"""
DAY = re.compile(r"sizes-\d{4}-\d\d-\d\d(-2)?")


def folders(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "jobs" / "reports").iterdir())


def test_each_run_of_a_day_has_its_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "sizes.yaml").write_text(JOB, encoding="utf-8")
    bulkexo("run", "jobs/sizes.yaml", "--sandbox", cwd=tmp_path).check(0)
    bulkexo("run", "jobs/sizes.yaml", "--sandbox", cwd=tmp_path).check(0)
    first, second = folders(tmp_path)
    assert DAY.fullmatch(first)
    assert second == f"{first}-2"
    assert document(tmp_path / "jobs" / "reports" / first)["state"] == "complete"


def test_a_run_that_stopped_is_gone_on_with_and_not_begun_again(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "sizes.yaml").write_text(JOB, encoding="utf-8")
    bulkexo("run", "jobs/sizes.yaml", "--sandbox", cwd=tmp_path).check(0)
    (name,) = folders(tmp_path)
    run_json = tmp_path / "jobs" / "reports" / name / "run.json"
    stopped = {**json.loads(run_json.read_bytes()), "state": "stopped"}
    run_json.write_text(json.dumps(stopped), encoding="utf-8")
    again = bulkexo("run", "jobs/sizes.yaml", "--sandbox", cwd=tmp_path).check(2)
    assert "bulkexo resume" in again.stderr
    assert folders(tmp_path) == [name]


def test_an_unknown_name_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "sizes.yaml").write_text(JOB, encoding="utf-8")
    for command in ("run", "check"):
        wrong = bulkexo(command, "sizes.yaml", "--sandbox", "--out", "r-${day}", cwd=tmp_path).check(2)
        assert "${day} means nothing here" in wrong.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["sizes.yaml"]

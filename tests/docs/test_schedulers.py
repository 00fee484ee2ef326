"""What docs/scheduled.md shows, before the tools that read it; and the lines that no other test reads."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.blocks import Block, blocks
from tests.docs.cmdlines import bulkexo_lines, command_lists, parse_line

PAGE = Path(__file__).parents[2] / "docs" / "scheduled.md"
UNIT = re.compile(r"# /etc/systemd/system/(\S+)\n")


def shown(kind: str) -> list[Block]:
    return [block for block in blocks(PAGE.read_text(encoding="utf-8")) if block.kind == kind]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd checks its own units.")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for block in shown("ini"):
        named = UNIT.match(block.text)
        assert named is not None
        text = block.text.replace("/usr/local/bin/bulkexo", "/bin/true")
        for name in (named[1], named[1].replace("@", "@sizes")):
            (tmp_path / name).write_text(text, encoding="utf-8")
    units = sorted(str(path) for path in tmp_path.glob("*@sizes.*"))
    assert len(units) == 2
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_arguments_of_the_task_are_bulkexo_s() -> None:
    (script,) = shown("powershell")
    (arguments,) = re.findall(r"-Argument '([^']*)'", script.text)
    parse_line(arguments)


def test_each_scheduler_has_a_line_that_can_be_tried_again() -> None:
    documents: list[Any] = [yaml.safe_load(block.text) for block in shown("yaml")]
    of_others = [line for each in documents if "cmdlet" not in each for line in command_lists(each)]
    texts = [block.text for block in [*shown("ini"), *shown("crontab")]]
    units = [line for text in texts for line in bulkexo_lines(text)]
    runs = [line for line in [*of_others, *units] if line.startswith("run ")]
    assert len(runs) == 5  # two of cron's, one each of systemd, Kubernetes and GitHub
    assert sum("--go-on" in line for line in runs) == 4
    assert all("--quiet" in line for line in runs)


def test_the_pod_is_tried_again_where_going_on_helps_and_nowhere_else() -> None:
    (cron_job,) = [each for each in map(_document, shown("yaml")) if each.get("kind") == "CronJob"]
    job = cron_job["spec"]["jobTemplate"]["spec"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # which podFailurePolicy needs
    fail, ignore = job["podFailurePolicy"]["rules"]
    assert fail["action"] == "FailJob"
    assert fail["onExitCodes"]["values"] == [1, 2, 4]
    assert fail["onExitCodes"]["containerName"] == job["template"]["spec"]["containers"][0]["name"]
    assert ignore["action"] == "Ignore"


def _document(block: Block) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(block.text)
    return found

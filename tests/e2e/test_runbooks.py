"""docs/runbooks.md, command by command as it stands there, and what each leaves."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import blocks
from tests.docs.blocks import commands as typed
from tests.e2e.command import Ended, bulkexo, document, lines
from tests.e2e.pretend import Pretend, pretend

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"\s+# exit code (\d)$")


def commands(section: str) -> list[str]:
    """The commands of a section of the document, in order; of the part before the first one for ""."""
    text = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    parts = dict(
        re.findall(r"^#+ (.*?)\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)  # title to text
    )
    consoles = [block for block in blocks(parts[section]) if block.kind == "console"]
    found = [command.text for block in consoles for command in typed(block)]
    assert found, section
    return found


@dataclass
class Shell:
    """Types the commands. said: what each `bulkexo` has said, by its first two words."""

    folder: Path
    tenant: Pretend
    said: dict[str, Ended] = field(default_factory=dict)

    def type(self, line: str) -> None:
        expected = CODE.search(line)
        words = shlex.split(CODE.sub("", line))
        if words[0] != "bulkexo":
            subprocess.run(words, cwd=self.folder, check=True)
            return
        ended = bulkexo(*words[1:], cwd=self.folder, env=self.tenant.env)
        self.said[line] = ended.check(int(expected[1]) if expected else 0)

    def plan(self, name: str) -> dict[tuple[int, int], dict[str, Any]]:
        """The lines of a plan, by row and step."""
        text = (self.folder / "runbooks" / name / "plan.ndjson").read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.splitlines()]
        return {(each["row"], each["step"]): each for each in found}

    def statuses(self, name: str) -> Counter[str]:
        return Counter(line["status"] for line in lines(self.folder / "runbooks" / name))


@contextmanager
def begun(make: pytest.TempPathFactory, options: str) -> Iterator[Shell]:
    """A shell in a copy of the jobs, beside a tenant, when the commands of the beginning were typed."""
    folder = make.mktemp("runbooks")
    shutil.copytree(ROOT / "jobs", folder / "jobs")
    with pretend(make.mktemp("tenant"), options) as running:
        typed = Shell(folder, running)
        first, *rest = commands("Runbooks: plan, run in waves, undo")
        assert first.startswith("bulkexo sandbox")
        for line in rest:
            typed.type(line)
        yield typed


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with begun(tmp_path_factory, "--speed 200") as typed:
        yield typed


def changes(plan: dict[tuple[int, int], dict[str, Any]]) -> Counter[str]:
    return Counter(line["change"] for line in plan.values())


def test_the_leaver(shell: Shell) -> None:
    for line in commands("A leaver"):
        shell.type(line)
    assert changes(shell.plan("plan-leaver")) == {"change": 32}
    assert shell.statuses("leaver") == {"succeeded": 32}
    assert shell.statuses("leaver-back") == {"succeeded": 32}
    shell.type("bulkexo plan runbooks/leaver.yaml --out runbooks/plan-again")
    assert shell.plan("plan-again") == shell.plan("plan-leaver")


def test_the_migration_in_waves(shell: Shell) -> None:
    typed = iter(commands("A migration in waves"))
    shell.type(next(typed))
    first = shell.plan("plan-first")
    wrong = [place for place, line in first.items() if line["change"] == "missing"]
    assert wrong == [(4, 3), (7, 3)]
    shell.type(next(typed))
    stopped = document(shell.folder / "runbooks" / "wave")
    assert (stopped["state"], stopped["counts"]["ended"]) == ("stopped", 40)
    assert {line["row"] for line in lines(shell.folder / "runbooks" / "wave")} == set(range(1, 11))
    shell.tenant.journal()
    shell.type(next(typed))
    shell.type(next(typed))
    complete = json.loads((shell.folder / "runbooks" / "wave" / "run.json").read_bytes())
    assert (complete["state"], complete["counts"]["succeeded"]) == ("complete", 192)
    sent = Counter((each["cmdlet"], each["identity"]) for each in shell.tenant.journal())
    assert sum(sent.values()) == 2 + 38 * 3
    shell.type(next(typed))
    assert changes(shell.plan("plan-verify")) == {"none": 192}
    for line in typed:
        shell.type(line)
    assert shell.statuses("wave-back") == {"succeeded": 144}
    last = shell.plan("plan-last")
    assert {place for place in first if first[place] != last[place]} == set(wrong)
    assert {last[place]["change"] for place in wrong} == {"change"}


def test_the_hold(tmp_path_factory: pytest.TempPathFactory) -> None:
    with begun(tmp_path_factory, "--speed 200 --mailboxes 150") as shell:
        hold(shell)


def hold(shell: Shell) -> None:
    for line in commands("A hold for the whole tenant"):
        shell.type(line)
    people = len(shell.plan("plan-hold"))
    assert 100 < people < 150
    assert shell.statuses("hold") == {"succeeded": people}
    assert shell.statuses("hold-again") == {"unchanged": people}
    assert shell.statuses("hold-back") == {"succeeded": people}
    shell.type("bulkexo plan runbooks/hold.yaml --out runbooks/hold-last")
    assert shell.plan("hold-last") == shell.plan("plan-hold")

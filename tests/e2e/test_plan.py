"""plan, run --plan, --skip-unchanged, --settle: on the sandbox, as a person types them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, ended, lines, start, until
from tests.e2e.files import document, read_back, table
from tests.e2e.pretend import Pretend, pretend


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrivals") / "arrivals.ndjson"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, arrivals: Path) -> Iterator[Pretend]:
    """A tenant of which a fifth comes from on-premises, which throttles, and where reads lag 2 s."""
    options = "--mailboxes 200 --speed 50 --allowance 40/s --synced 20 --read-lag 100"
    with pretend(tmp_path_factory.mktemp("tenant"), f"{options} --arrivals {arrivals}") as running:
        yield running


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> dict[bool, list[str]]:
    """The sign-in names, by whether they come from on-premises."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for mailbox in tenant.everything():
        found[bool(mailbox["IsDirSynced"])].append(str(mailbox["UserPrincipalName"]))
    return found


def plan_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "plan.ndjson").read_text("utf-8").splitlines()]


def changes(folder: Path) -> list[str]:
    return [line["change"] for line in plan_of(folder)]


def test_plan_run_and_plan_again(
    tmp_path: Path, tenant: Pretend, names: dict[bool, list[str]], arrivals: Path
) -> None:
    here, there = names[False][:12], names[True][:3]
    steps = [
        {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Who}", "CustomAttribute1": "${Code}"}},
        {
            "cmdlet": "Add-MailboxPermission",
            "parameters": {"Identity": "${Who}", "User": here[0], "AccessRights": "FullAccess"},
        },
    ]
    rows = [{"Who": name, "Code": f"CC-{number}"} for number, name in enumerate([*here, *there, "gone@x.y"])]
    job = document(tmp_path / "job.yaml", {"rows": rows, "steps": steps})
    tenant.journal()
    wide = {**tenant.env, "COLUMNS": "140"}
    done = bulkexo("plan", job, "--out", "plan", cwd=tmp_path, env=wide).check(0)
    plan = tmp_path / "plan"
    assert changes(plan) == ["change"] * 24 + ["on-premises", "change"] * 3 + ["missing", "missing"]
    assert [(line["row"], line["step"]) for line in plan_of(plan)] == [
        (r, s) for r in range(1, 17) for s in (1, 2)
    ]
    assert plan_of(plan)[0]["before"] == {"CustomAttribute1": ""}
    assert plan_of(plan)[0]["after"] == {"CustomAttribute1": "CC-0"}
    apart = read_back(plan / "on-premises.csv")
    assert [row["Identity"] for row in apart] == there
    assert "27 to change" in done.stderr and "3 mastered on-premises" in done.stderr
    assert 'CustomAttribute1: "" → "CC-0"' in done.stdout and "more" in done.stdout
    assert tenant.journal() == []
    assert not any(each["cmdlet"].startswith(("Set-", "Add-")) for each in came(arrivals))

    said = bulkexo("run", "--plan", "plan/plan.ndjson", "--out", "run", "--yes", cwd=tmp_path, env=tenant.env)
    said.check(0)
    ended = {(line["row"], line["step"]): line for line in lines(tmp_path / "run")}
    assert len(ended) == 32
    assert {ended[row, step]["status"] for row in range(1, 13) for step in (1, 2)} == {"succeeded"}
    assert {ended[row, 1]["status"] for row in range(13, 17)} == {"skipped"}
    assert ended[13, 1]["error"]["code"] == "bulkexo:on-premises"
    assert ended[16, 1]["error"]["code"] == "bulkexo:missing"
    assert len(tenant.journal()) == 24

    again = bulkexo("plan", job, "--out", "again", "--settle", "10s", "--json", cwd=tmp_path, env=tenant.env)
    summary = json.loads(again.check(0).stdout)
    assert (summary["change"], summary["none"], summary["on-premises"]) == (3, 24, 3)


def came(arrivals: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in arrivals.read_text(encoding="utf-8").splitlines()]


def test_what_has_changed_since_is_not_sent(
    tmp_path: Path, tenant: Pretend, names: dict[bool, list[str]]
) -> None:
    mine = names[False][20:24]
    job = table(tmp_path / "job.csv", ["Identity", "Office"], [(name, "new") for name in mine])
    options = ["--cmdlet", "Set-Mailbox"]
    bulkexo("plan", job, *options, "--out", "plan", cwd=tmp_path, env=tenant.env).check(0)
    other = table(tmp_path / "other.csv", ["Identity", "Office"], [(mine[1], "theirs")])
    bulkexo("run", other, *options, "--yes", cwd=tmp_path, env=tenant.env).check(0)
    verify: list[str | Path] = ["plan", other, *options, "--settle", "10s", "--json"]
    assert json.loads(bulkexo(*verify, cwd=tmp_path, env=tenant.env).check(0).stdout)["none"] == 1

    run = bulkexo("run", "--plan", "plan", "--out", "run", "--yes", cwd=tmp_path, env=tenant.env).check(1)
    found = {line["identity"]: line for line in lines(tmp_path / "run")}
    assert [found[name]["status"] for name in mine] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert found[mine[1]]["error"]["code"] == "bulkexo:changed-since"
    assert '"theirs"' in found[mine[1]]["error"]["message"]
    assert "changed since" in run.stderr


def test_skip_unchanged_sends_what_differs(
    tmp_path: Path, tenant: Pretend, names: dict[bool, list[str]]
) -> None:
    mine = names[False][30:50]
    shown = tenant.get(mine)
    rows = [
        (str(each["UserPrincipalName"]), str(each["DisplayName"]) if number % 2 else f"New {number}")
        for number, each in enumerate(shown)
    ]
    job = table(tmp_path / "job.csv", ["Identity", "DisplayName"], rows)
    tenant.journal()
    options = ["--cmdlet", "Set-Mailbox", "--skip-unchanged", "--out", "run", "--yes"]
    bulkexo("run", job, *options, cwd=tmp_path, env=tenant.env).check(0)
    found = {line["row"]: line["status"] for line in lines(tmp_path / "run")}
    assert found == {row: "succeeded" if row % 2 else "unchanged" for row in range(1, 21)}
    assert len(tenant.journal()) == 10


def test_secrets_stand_in_no_plan_and_are_not_run_from_one(
    tmp_path: Path, tenant: Pretend, names: dict[bool, list[str]]
) -> None:
    job = table(tmp_path / "job.csv", ["Identity", "Password"], [(names[False][60], "Geheim-4711")])
    options = ["--cmdlet", "Set-Mailbox", "--out", "plan"]
    done = bulkexo("plan", job, *options, cwd=tmp_path, env=tenant.env).check(0)
    assert changes(tmp_path / "plan") == ["unknown"]
    for file in (tmp_path / "plan").iterdir():
        assert "Geheim" not in file.read_text("utf-8")
    assert "Geheim" not in done.stdout + done.stderr
    assert "--skip-unchanged" in done.stderr
    refused = bulkexo("run", "--plan", "plan", "--yes", cwd=tmp_path, env=tenant.env).check(2)
    assert "cannot be run" in refused.stderr


def test_a_plan_of_rows_that_the_tenant_names(tmp_path: Path, tenant: Pretend) -> None:
    question = {"cmdlet": "Get-Mailbox", "parameters": {"RecipientTypeDetails": "SharedMailbox"}}
    content = {
        "rows": {**question, "select": ["UserPrincipalName"]},
        "cmdlet": "Set-Mailbox",
        "parameters": {"Identity": "${UserPrincipalName}", "MessageCopyForSentAsEnabled": True},
    }
    job = document(tmp_path / "job.yaml", content)
    bulkexo("plan", job, "--out", "plan", cwd=tmp_path, env=tenant.env).check(0)
    shared = [each for each in tenant.everything() if each["RecipientTypeDetails"] == "SharedMailbox"]
    assert len(plan_of(tmp_path / "plan")) == len(shared) > 3
    assert not (tmp_path / "plan" / "run.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "Name the job"),
        (["run", "job.csv", "--plan", "x.ndjson"], "leave out one"),
        (["run", "--plan", "job.csv"], "is no plan"),
        (["plan", "job.csv", "--cmdlet", "Set-Mailbox", "--settle", "soon"], "duration"),
    ],
)
def test_wrong_words(tmp_path: Path, words: list[str], said: str) -> None:
    table(tmp_path / "job.csv", ["Identity", "Office"], [("ada@contoso.com", "1")])
    done = bulkexo(*words, cwd=tmp_path).check(2)
    assert said in done.stderr
    assert not (tmp_path / "plans").exists()


def test_a_plan_runs_in_the_waves_of_its_job_and_can_be_gone_on_with(
    tmp_path: Path, tenant: Pretend, names: dict[bool, list[str]]
) -> None:
    mine = names[False][70:90]
    content = {
        "rows": [{"Who": name} for name in mine],
        "waves": [5, "rest"],
        "gate": {"failures": 0},
        "steps": [
            {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Who}", "CustomAttribute2": "waves"}},
            {"cmdlet": "Set-CASMailbox", "parameters": {"Identity": "${Who}", "ImapEnabled": False}},
        ],
    }
    job = document(tmp_path / "job.yaml", content)
    bulkexo("plan", job, "--out", "plan", cwd=tmp_path, env=tenant.env).check(0)
    other = table(tmp_path / "other.csv", ["Identity", "CustomAttribute2"], [(mine[2], "theirs")])
    bulkexo("run", other, "--cmdlet", "Set-Mailbox", "--yes", cwd=tmp_path, env=tenant.env).check(0)
    verify: list[str | Path] = ["plan", other, "--cmdlet", "Set-Mailbox", "--settle", "10s"]
    bulkexo(*verify, cwd=tmp_path, env=tenant.env).check(0)

    run = ["run", "--plan", "plan", "--out", "run", "--yes"]
    assert "Wave 1 of 2" in bulkexo(*run, cwd=tmp_path, env=tenant.env).check(3).stderr
    assert len(lines(tmp_path / "run")) == 10
    bulkexo("resume", "run", "--approve", "--yes", cwd=tmp_path, env=tenant.env).check(1)
    ended = {(line["row"], line["step"]): line["status"] for line in lines(tmp_path / "run")}
    assert len(ended) == 40
    assert {place for place, status in ended.items() if status != "succeeded"} == {(3, 1), (3, 2)}
    assert (ended[3, 1], ended[3, 2]) == ("failed", "skipped")


def test_a_plan_that_is_interrupted_leaves_nothing(
    tmp_path: Path, tenant: Pretend, names: dict[bool, list[str]], arrivals: Path
) -> None:
    job = table(tmp_path / "job.csv", ["Identity", "Office"], [(name, "9") for name in names[False]])
    before = len(came(arrivals))
    words = ("plan", job, "--cmdlet", "Set-Mailbox", "--out", "plan", "--rate", "2")
    process = start(*words, cwd=tmp_path, env=tenant.env)
    until(lambda: len(came(arrivals)) > before, process)
    process.send_signal(signal.SIGINT)
    assert "nothing of it is kept" in ended(process).check(3).stderr
    assert not (tmp_path / "plan").exists()

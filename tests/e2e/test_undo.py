"""A run with --keep-before and its undo, as commands on a sandbox that goes on between them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, ended, lines, start, until
from tests.e2e.files import table
from tests.e2e.pretend import Pretend, pretend
from tests.e2e.test_resume import crashed

CHANGES = ("Get-Mailbox", "Get-CASMailbox", "Get-DistributionGroup")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    with pretend(tmp_path_factory.mktemp("undo"), "--mailboxes 120 --speed 200") as running:
        yield running


def holds(tenant: Pretend) -> list[dict[str, Any]]:
    """What the tenant shows of all its objects."""
    return without_times(each for cmdlet in CHANGES for each in tenant.everything(cmdlet))


def without_times(objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same but for the times of changes; nothing is nothing, however it is shown."""
    return [
        {name: value or None for name, value in each.items() if not name.startswith("WhenChanged")}
        for each in objects
    ]


def left_out(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def undone(folder: Path, tenant: Pretend, *more: str) -> None:
    """Undo the run in `out`, and run that, to the end."""
    bulkexo("undo", "out", *more, cwd=folder).check(0)
    bulkexo("run", "out/undo.ndjson", "--yes", "--out", "back", cwd=folder, env=tenant.env).check(0)


def test_after_a_crash_between_write_and_result_the_first_value_is_the_former_one(
    tmp_path: Path, tenant: Pretend
) -> None:
    names = [f"mailbox{number}@contoso.onmicrosoft.com" for number in range(20, 50)]
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute3"], [[name, "new"] for name in names])
    first = holds(tenant)
    options = ("--cmdlet", "Set-Mailbox", "--keep-before", "--out", "out")
    bulkexo("run", job, *options, cwd=tmp_path, env=tenant.env).check(0)
    kept = (tmp_path / "out" / "before.ndjson").read_bytes()
    crashed(tmp_path / "out", keep=10)
    told = bulkexo("undo", "out", cwd=tmp_path).check(0).stderr
    assert "20  not put back: the run ended before its answer came" in told
    bulkexo("resume", "out", cwd=tmp_path, env=tenant.env).check(0)
    assert (tmp_path / "out" / "before.ndjson").read_bytes() == kept
    again = bulkexo("undo", "out", cwd=tmp_path).check(2).stderr
    assert "is there already" in again
    for path in (tmp_path / "out").glob("undo*"):
        path.unlink()
    tenant.journal()
    undone(tmp_path, tenant)
    assert len(tenant.journal()) == 30  # and undo itself has sent nothing
    assert holds(tenant) == first


def test_a_planned_run_that_crashed_is_gone_on_with_and_undone(tmp_path: Path, tenant: Pretend) -> None:
    names = [f"mailbox{number}@contoso.onmicrosoft.com" for number in range(20, 40)]
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute9"], [[name, "new"] for name in names])
    first = holds(tenant)
    bulkexo(
        "plan", job, "--cmdlet", "Set-Mailbox", "--out", "plan", cwd=tmp_path, env=tenant.env
    ).check(0)  # fmt: skip
    options = ("--keep-before", "--out", "out")
    bulkexo("run", "--plan", "plan/plan.ndjson", *options, cwd=tmp_path, env=tenant.env).check(0)
    crashed(tmp_path / "out", keep=5)
    bulkexo("resume", "out", cwd=tmp_path, env=tenant.env).check(0)
    assert [line["status"] for line in lines(tmp_path / "out")] == ["succeeded"] * 5 + ["unchanged"] * 15
    undone(tmp_path, tenant)
    assert holds(tenant) == first


def test_what_was_made_is_removed_if_it_is_said_so(tmp_path: Path, tenant: Pretend) -> None:
    first = holds(tenant)
    rows = [["New-DistributionGroup", f"Project {number}"] for number in range(3)]
    job = table(tmp_path / "job.csv", ["Cmdlet", "Name"], rows)
    bulkexo("run", job, "--keep-before", "--out", "out", cwd=tmp_path, env=tenant.env).check(0)
    assert len(holds(tenant)) == len(first) + 3
    told = bulkexo("undo", "out", cwd=tmp_path).check(0).stderr
    assert "There is nothing that can be undone." in told
    assert [each["Why"] for each in left_out(tmp_path / "out" / "undo-left-out.csv")] == [
        "the run has made it; --including-created removes it"
    ] * 3
    (tmp_path / "out" / "undo-left-out.csv").unlink()
    undone(tmp_path, tenant, "--including-created")
    assert holds(tenant) == first


def test_a_run_without_former_values_can_only_be_listed(tmp_path: Path, tenant: Pretend) -> None:
    job = table(tmp_path / "job.csv", ["Identity", "Office"], [["mailbox1@contoso.onmicrosoft.com", "R"]])
    bulkexo(
        "run", job, "--cmdlet", "Set-User", "--out", "out", cwd=tmp_path, env=tenant.env
    ).check(0)  # fmt: skip
    told = bulkexo("undo", "out", cwd=tmp_path).check(0).stderr
    assert "There is nothing that can be undone." in told
    assert "--keep-before" in told
    assert not (tmp_path / "out" / "undo.ndjson").exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "not the folder of a run" in bulkexo("undo", ".", cwd=tmp_path).check(2).stderr


def test_no_secret_stands_among_the_former_values(tmp_path: Path, tenant: Pretend) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        json.dumps(
            {
                "keep_before": True,
                "rows": [{"Id": "mailbox2@contoso.onmicrosoft.com", "Note": "hunter22hunter22"}],
                "cmdlet": "Set-Mailbox",
                "parameters": {"Identity": "${Id}", "CustomAttribute5": "${Note}", "CustomAttribute6": "x"},
                "secret": ["CustomAttribute5"],
            }
        )
    )
    bulkexo("run", job, "--out", "out", cwd=tmp_path, env=tenant.env).check(0)
    bulkexo("undo", "out", cwd=tmp_path).check(0)
    for path in (tmp_path / "out").iterdir():
        assert b"hunter22" not in path.read_bytes(), path
    (left,) = left_out(tmp_path / "out" / "undo-left-out.csv")
    assert (left["Parameter"], left["Why"]) == ("CustomAttribute5", "it is a secret, and was not kept")
    assert lines(tmp_path / "out")[0]["status"] == "succeeded"


def test_a_run_killed_again_and_again_is_undone_to_the_first_value(tmp_path: Path, tenant: Pretend) -> None:
    names = [f"mailbox{number}@contoso.onmicrosoft.com" for number in range(50, 110)]
    rows = [[name, "new", "Grant" if number % 2 else ""] for number, name in enumerate(names)]
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute4", "CustomAttribute7"], rows)
    first = holds(tenant)
    options = ("--cmdlet", "Set-Mailbox", "--keep-before", "--rate", "60", "--out", "out")
    going = start("run", job, *options, cwd=tmp_path, env=tenant.env)
    for goal in (5, 30):
        until(lambda goal=goal: len(lines(tmp_path / "out")) >= goal, going)  # type: ignore[misc]
        going.kill()
        ended(going)
        going = start("resume", "out", cwd=tmp_path, env=tenant.env)
    ended(going).check(0)
    kept = (tmp_path / "out" / "before.ndjson").read_bytes().splitlines()
    assert len({json.loads(line)["row"] for line in kept}) == len(kept) == 60
    undone(tmp_path, tenant)
    assert holds(tenant) == first


def test_steps_that_use_what_an_earlier_one_has_made(tmp_path: Path, tenant: Pretend) -> None:
    first = holds(tenant)
    job = tmp_path / "job.yaml"
    made = "${steps.create.PrimarySmtpAddress}"
    steps = [
        {"name": "create", "cmdlet": "New-DistributionGroup", "parameters": {"Name": "${Name}"}},
        {
            "cmdlet": "Set-DistributionGroup",
            "parameters": {"Identity": made, "HiddenFromAddressListsEnabled": True},
        },
        {
            "cmdlet": "Add-DistributionGroupMember",
            "parameters": {"Identity": made, "Member": "mailbox3@contoso.onmicrosoft.com"},
        },
    ]
    document = {"keep_before": True, "rows": [{"Name": f"Team {number}"} for number in range(4)]}
    job.write_text(json.dumps({**document, "steps": steps}))
    bulkexo("run", job, "--out", "out", cwd=tmp_path, env=tenant.env).check(0)
    told = bulkexo("undo", "out", "--including-created", cwd=tmp_path).check(0).stderr
    assert "12 items can be undone" in told
    assert "--order file" in told
    options = ("--yes", "--order", "file", "--out", "back")
    bulkexo("run", "out/undo.ndjson", *options, cwd=tmp_path, env=tenant.env).check(0)
    assert holds(tenant) == first

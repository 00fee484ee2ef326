"""`retry`: a new run of what failed or is unknown, and of the steps that were skipped for it."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import bulkexo, document, ended, lines, start, until
from tests.e2e.files import document as yaml_file
from tests.e2e.files import people, read_back, table
from tests.e2e.pretend import Pretend, pretend

from .test_resume import everything, touched


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant in which access is never granted: the cmdlet does not come back."""
    options = "--mailboxes 400 --latency 0.1,0 --latency Add-MailboxPermission=900,0"
    with pretend(tmp_path_factory.mktemp("stuck"), options) as running:
        yield running


def two_steps(folder: Path, boxes: list[str], user: str, **more: object) -> Path:
    steps = [
        {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Box}", "CustomAttribute1": folder.name}},
        {
            "cmdlet": "Add-MailboxPermission",
            "parameters": {"Identity": "${Box}", "User": user, "AccessRights": ["FullAccess"]},
            **more,
        },
    ]
    table(folder / "rows.csv", ["Box"], [[box] for box in boxes])
    return yaml_file(folder / "job.yaml", {"rows": "rows.csv", "steps": steps})


def made(folder: Path, tenant: Pretend, names: list[str]) -> None:
    """Make these mailboxes."""
    rows = [[name.partition("@")[0], name] for name in names]
    file = table(folder / "new.csv", ["Name", "MicrosoftOnlineServicesID"], rows)
    create = ("--cmdlet", "New-Mailbox", "--set", "Shared=$true", "--out", "new")
    bulkexo("run", file, *create, cwd=folder, env=tenant.env).check(0)
    tenant.journal()


def test_failed_rows_with_the_steps_that_were_skipped(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    late = [f"late{number}.{tmp_path.name.replace('_', '-')}@contoso.com" for number in range(3)]
    boxes = [late[0], *names[:4], late[1], *names[4:6], late[2]]
    bulkexo("run", two_steps(tmp_path, boxes, names[9]), "--out", "out", cwd=tmp_path, env=tenant.env).check(
        1
    )
    assert document(tmp_path / "out")["counts"]["skipped"] == 3
    made(tmp_path, tenant, late[:2])
    before = everything(tmp_path / "out")
    done = bulkexo("retry", "out", "--out", "again", "--json", cwd=tmp_path, env=tenant.env).check(1)
    assert everything(tmp_path / "out") == before
    again = {(line["row"], line["step"]): line["status"] for line in lines(tmp_path / "again")}
    assert again == {
        **{(row, step): "succeeded" for row in (1, 6) for step in (1, 2)},
        (9, 1): "failed",
        (9, 2): "skipped",
    }
    assert document(tmp_path / "again")["counts"]["items"] == done.summary["items"] == 6
    assert touched(tenant) == {
        (cmdlet, name.lower()): 1 for cmdlet in ("Set-Mailbox", "Add-MailboxPermission") for name in late[:2]
    }
    assert [row["Box"] for row in read_back(tmp_path / "again" / "failed.csv")] == [late[2]]

    made_too = ("retry", "again", "--out", "third")
    (tmp_path / "new").rename(tmp_path / "new-before")
    made(tmp_path, tenant, late[2:])
    bulkexo(*made_too, cwd=tmp_path, env=tenant.env).check(0)
    assert sorted((line["row"], line["step"]) for line in lines(tmp_path / "third")) == [(9, 1), (9, 2)]


def test_nothing_to_do(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    bulkexo("run", two_steps(tmp_path, names[10:12], names[9]), "--out", "out", cwd=tmp_path, env=tenant.env)
    requests = tenant.stats()["requests"]
    done = bulkexo("retry", "out", "--out", "again", cwd=tmp_path, env=tenant.env).check(0)
    assert done.stderr == "Nothing failed in out: there is nothing to run again.\n"
    assert not (tmp_path / "again").exists()
    assert tenant.stats()["requests"] == requests


def killed_in_flight(folder: Path, stuck: Pretend, names: list[str]) -> Path:
    """A run of which everything but one row's last step has ended, killed while that was in flight."""
    file = two_steps(folder, names, names[-1], repeat="unsafe")
    before = stuck.stats().get("requests", 0)
    process = start("run", file, "--out", "out", "--batch-size", "1", cwd=folder, env=stuck.env)
    until(lambda: stuck.stats().get("requests", 0) >= before + 2 * len(names), process)
    process.kill()
    ended(process)
    assert [line["step"] for line in lines(folder / "out")] == [1] * len(names)
    return folder / "out"


def elsewhere(tenant: Pretend) -> tuple[str, ...]:
    """Options that send a run to another tenant than the one it was for."""
    return tuple(
        word
        for name in ("endpoint", "authority", "ca_file", "tenant", "client_id")
        for word in ("--" + name.replace("_", "-"), str(tenant.said[name]))
    )


def test_what_nobody_can_tell_is_unknown_and_goes_again_with_retry(
    tmp_path: Path, stuck: Pretend, tenant: Pretend, names: list[str]
) -> None:
    """By the job's own word it is not safe to repeat; retry is a person's word that it is to be sent."""
    run = killed_in_flight(tmp_path, stuck, names[20:23])
    done = bulkexo("resume", "out", cwd=tmp_path, env=stuck.env).check(1)
    assert "Going on: 3 items have ended; 3 were in flight and are settled first." in done.stderr
    unknown = [line for line in lines(run) if line["status"] == "unknown"]
    assert [(line["step"], line["attempts"], line["error"]["code"]) for line in unknown] == [
        (2, 0, "bulkexo:unknown")
    ] * 3
    assert "The process that sent it ended before the answer came." in unknown[0]["error"]["message"]
    assert "3 unknown" in done.stderr
    assert stuck.journal() == [] or {each["cmdlet"] for each in stuck.journal()} <= {"Set-Mailbox"}

    tenant.journal()
    secret = {"BULKEXO_CLIENT_SECRET": tenant.env["BULKEXO_CLIENT_SECRET"]}
    again = ("retry", "out", "--out", "again", *elsewhere(tenant))
    bulkexo(*again, cwd=tmp_path, env=secret).check(0)
    assert {(line["step"], line["status"]) for line in lines(tmp_path / "again")} == {(2, "succeeded")}
    assert touched(tenant) == {("Add-MailboxPermission", name.lower()): 1 for name in names[20:23]}


def test_retry_leaves_the_unknown_alone_if_so_asked(
    tmp_path: Path, stuck: Pretend, tenant: Pretend, names: list[str]
) -> None:
    killed_in_flight(tmp_path, stuck, names[30:32])
    bulkexo("resume", "out", cwd=tmp_path, env=stuck.env).check(1)
    tenant.journal()
    secret = {"BULKEXO_CLIENT_SECRET": tenant.env["BULKEXO_CLIENT_SECRET"]}
    again = ("retry", "out", "--out", "again", "--on-unknown", "skip", *elsewhere(tenant))
    bulkexo(*again, cwd=tmp_path, env=secret).check(1)
    assert [line["status"] for line in lines(tmp_path / "again")] == ["unknown"] * 2
    assert touched(tenant) == {}


def test_resend_on_resume(tmp_path: Path, stuck: Pretend, tenant: Pretend, names: list[str]) -> None:
    run = killed_in_flight(tmp_path, stuck, names[40:42])
    tenant.journal()
    secret = {"BULKEXO_CLIENT_SECRET": tenant.env["BULKEXO_CLIENT_SECRET"]}
    go_on = ("resume", "out", "--on-unknown", "resend", *elsewhere(tenant))
    bulkexo(*go_on, cwd=tmp_path, env=secret).check(0)
    assert Counter(line["status"] for line in lines(run)) == {"succeeded": 4}
    assert touched(tenant) == {("Add-MailboxPermission", name.lower()): 1 for name in names[40:42]}


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_retry_that_was_ended_goes_on_with_its_own_rows(tmp_path: Path, stuck: Pretend, name: str) -> None:
    everybody = people(stuck)
    rows = [[each, "v"] for each in everybody[:20]]
    rows += [[f"nobody{number}@contoso.com", "v"] for number in range(40)]
    file = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], rows)
    command = ("run", file, "--cmdlet", "Set-Mailbox", "--out", "out", "--batch-size", "2")
    bulkexo(*command, cwd=tmp_path, env=stuck.env).check(1)
    process = start("retry", "out", "--out", "again", "--concurrency", "1", cwd=tmp_path, env=stuck.env)
    until(lambda: len(lines(tmp_path / "again")) >= 4, process)
    process.send_signal(getattr(signal, name))
    ended(process)
    before = lines(tmp_path / "again")
    assert 4 <= len(before) < 40
    stuck.journal()
    done = bulkexo("resume", "again", "--json", cwd=tmp_path, env=stuck.env).check(1)
    after = lines(tmp_path / "again")
    assert after[: len(before)] == before
    assert sorted(line["row"] for line in after) == list(range(21, 61))
    assert (done.summary["items"], done.summary["failed"]) == (40, 40)
    assert touched(stuck) == {}
    assert len(read_back(tmp_path / "again" / "failed.csv")) == 40


def test_a_job_that_has_changed_is_refused(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], [["nobody@contoso.com", "v"]])
    command = ("run", file, "--cmdlet", "Set-Mailbox", "--out", "out")
    bulkexo(*command, cwd=tmp_path, env=tenant.env).check(1)
    with file.open("a", encoding="utf-8") as more:
        more.write(f"{names[0]},v\n")
    done = bulkexo("retry", "out", "--out", "again", cwd=tmp_path, env=tenant.env).check(2)
    assert "job.csv changed since the run began" in done.stderr
    assert not (tmp_path / "again").exists()

"""Options, seen from the service: what it was sent, how often and in which order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.command import bulkexo, document, lines
from tests.e2e.files import document as yaml_file
from tests.e2e.files import table
from tests.e2e.pretend import Pretend, pretend

SET = ("--cmdlet", "Set-Mailbox", "--out", "out")


def job(folder: Path, identities: list[str]) -> Path:
    """A job that gives each row a value of its own."""
    rows = [[identity, f"{folder.name} {row}"] for row, identity in enumerate(identities)]
    return table(folder / "job.csv", ["Identity", "CustomAttribute1"], rows)


def requests(tenant: Pretend) -> int:
    """Requests that the service has had."""
    return int(tenant.stats()["requests"])


def test_strict_makes_what_changed_nothing_a_failure(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    file = job(tmp_path, names[:4])
    bulkexo("run", file, *SET[:2], "--out", "one", cwd=tmp_path, env=tenant.env).check(0)
    bulkexo("run", file, *SET[:2], "--out", "two", "--strict", cwd=tmp_path, env=tenant.env).check(1)
    assert {line["error"]["code"] for line in lines(tmp_path / "two")} == {"bulkexo:unchanged"}


@pytest.mark.parametrize(("size", "sent"), [("1", 20), ("4", 5)])
def test_batch_size(tmp_path: Path, tenant: Pretend, names: list[str], size: str, sent: int) -> None:
    before = requests(tenant)
    arguments = ("--batch-size", size, "--concurrency", "1")
    bulkexo("run", job(tmp_path, names[:20]), *SET, *arguments, cwd=tmp_path, env=tenant.env).check(0)
    assert requests(tenant) - before == sent


@pytest.mark.parametrize(("order", "sent"), [("identity", 12), ("none", 2), ("file", 12)])
def test_rows_of_one_mailbox_are_never_out_together_unless_order_is_none(
    tmp_path: Path, tenant: Pretend, names: list[str], order: str, sent: int
) -> None:
    before = requests(tenant)
    arguments = ("--order", order, "--concurrency", "10")
    bulkexo("run", job(tmp_path, names[:1] * 12), *SET, *arguments, cwd=tmp_path, env=tenant.env).check(0)
    assert requests(tenant) - before == sent


def test_order_file_keeps_the_order_of_all_rows(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    mixed = names[30:10:-1] + names[50:60]
    tenant.journal()
    arguments = ("--order", "file", "--concurrency", "10")
    bulkexo("run", job(tmp_path, mixed), *SET, *arguments, cwd=tmp_path, env=tenant.env).check(0)
    assert [effect["identity"] for effect in tenant.journal()] == mixed
    assert [line["row"] for line in lines(tmp_path / "out")] == list(range(1, 31))


def test_within_its_rate_a_run_is_never_throttled(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 24 --latency 0 --allowance 10/s --burst 3") as tenant:
        names = [str(box["UserPrincipalName"]) for box in tenant.everything()]
        arguments = ("--rate", "8", "--batch-size", "1")
        bulkexo("run", job(tmp_path, names), *SET, *arguments, cwd=tmp_path, env=tenant.env).check(0)
    counts = document(tmp_path / "out")["counts"]
    assert (counts["succeeded"], counts["sent"], counts["throttled"]) == (24, 24, 0)


def test_what_was_throttled_goes_again_and_is_no_failure(tmp_path: Path) -> None:
    # Five at once are allowed: of the first batch of ten, half is refused inside the batch.
    limits = (
        "--mailboxes 30 --speed 20 --allowance 2/s --burst 5 --throttle-style inside --retry-after fraction"
    )
    with pretend(tmp_path / "tenant", limits) as tenant:
        names = [str(box["UserPrincipalName"]) for box in tenant.everything()]
        arguments = ("--retries", "0")
        bulkexo("run", job(tmp_path, names), *SET, *arguments, cwd=tmp_path, env=tenant.env).check(0)
        refused = tenant.stats()["throttled_items"]
    counts = document(tmp_path / "out")["counts"]
    assert (counts["succeeded"], counts["retried"]) == (30, 0)
    assert counts["throttled"] == refused > 0
    assert counts["sent"] == 30 + refused == sum(line["attempts"] for line in lines(tmp_path / "out"))


@pytest.mark.parametrize(
    ("command_line", "environment", "in_force"),
    [
        ((), {}, 5),
        ((), {"BULKEXO_BATCH_SIZE": "3"}, 3),
        (("--batch-size", "2"), {"BULKEXO_BATCH_SIZE": "3"}, 2),
        ((), {"BULKEXO_BATCH_SIZE": ""}, 5),
    ],
)
def test_the_command_line_comes_before_the_environment_and_the_yaml_last(
    tmp_path: Path,
    tenant: Pretend,
    names: list[str],
    command_line: tuple[str, ...],
    environment: dict[str, str],
    in_force: int,
) -> None:
    content = {
        "cmdlet": "Set-Mailbox",
        "rows": [{"Who": name} for name in names[:30]],
        "parameters": {"Identity": "${Who}", "CustomAttribute1": tmp_path.name},
        "batch_size": 5,
        "concurrency": 1,
        "max_failures": "2%",
    }
    before = requests(tenant)
    env = {**tenant.env, **environment}
    file = yaml_file(tmp_path / "job.yaml", content)
    bulkexo("run", file, "--out", "out", *command_line, cwd=tmp_path, env=env).check(0)
    assert requests(tenant) - before == 30 // in_force
    options = document(tmp_path / "out")["options"]
    assert (int(options["batch_size"]), options["concurrency"]) == (in_force, 1)


def test_a_switch_of_the_environment_and_a_wrong_value_there(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    file = job(tmp_path, names[:3])
    env = {**tenant.env, "BULKEXO_JSON": "true", "BULKEXO_CMDLET": "Set-Mailbox"}
    assert bulkexo("run", file, cwd=tmp_path, env=env).check(0).summary["ended"] == 3
    done = bulkexo("run", file, cwd=tmp_path, env={**env, "BULKEXO_RETRIES": "many"}).check(2)
    assert "BULKEXO_RETRIES: 'many' does not fit. Give a whole number from 0 to 100." in done.stderr


def test_a_dry_run_of_what_goes_alone(tmp_path: Path, names: list[str]) -> None:
    file = table(tmp_path / "job.csv", ["Identity"], [[name] for name in names[:2]])
    done = bulkexo("run", file, "--cmdlet", "Get-EXOMailbox", "--dry-run", cwd=tmp_path, env={}).check(0)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("The first")]
    assert line.startswith("The first request, GET https://outlook.office365.com/adminapi/beta/")
    assert line.endswith(f"/Mailbox('{names[0]}')")


def test_a_dry_run_shows_what_would_go_together(tmp_path: Path, names: list[str]) -> None:
    """The steps of a row never do."""
    steps = [{"cmdlet": name, "parameters": {"Identity": "${Who}"}} for name in ("Set-User", "Get-Mailbox")]
    rows = [{"Who": name} for name in names[:3]]
    file = yaml_file(tmp_path / "job.yaml", {"rows": rows, "steps": steps})
    done = bulkexo("run", file, "--dry-run", cwd=tmp_path, env={}).check(0)
    shown = [each["body"]["CmdletInput"]["CmdletName"] for each in json.loads(done.stdout)["requests"]]
    assert shown == ["Set-User"] * 3


def test_a_dry_run_sends_nothing(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    before = tenant.stats()
    done = bulkexo("run", job(tmp_path, names[:25]), *SET, "--dry-run", cwd=tmp_path, env=tenant.env).check(0)
    batch = json.loads(done.stdout)["requests"]
    assert [request["body"]["CmdletInput"]["Parameters"]["Identity"] for request in batch] == names[:10]
    assert "25  Set-Mailbox" in done.stderr
    assert "nothing was sent" in done.stderr
    assert tenant.stats() == before
    assert not (tmp_path / "out").exists()

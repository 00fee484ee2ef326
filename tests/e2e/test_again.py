"""Failed rows run again, rows of several steps, and rows that concern the same mailbox."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tests.e2e.command import bulkexo, document, lines, statuses
from tests.e2e.files import document as yaml_file
from tests.e2e.files import people, read_back, table
from tests.e2e.pretend import Pretend, pretend


def test_failed_rows_run_again_and_no_others(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    rows = [[name, "00700", ""] for name in names[:12]]
    rows[3] = ["late.one@contoso.com", "=1+1", "true"]
    rows[9] = ["late.two@contoso.com", 'say "ß"\r\n', "$false"]
    header = ["Identity", "CustomAttribute1", "HiddenFromAddressListsEnabled"]
    job = table(tmp_path / "job.csv", header, rows)
    bulkexo("run", job, "--cmdlet", "Set-Mailbox", "--out", "first", cwd=tmp_path, env=tenant.env).check(1)
    failed = read_back(tmp_path / "first" / "failed.csv")
    assert [[row[name] for name in header] for row in failed] == [rows[3], rows[9]]
    assert all("couldn't be found" in row["Error"] for row in failed)

    new = [[f"late.{number}", f"late.{number}@contoso.com"] for number in ("one", "two")]
    arrived = table(tmp_path / "new.csv", ["Name", "MicrosoftOnlineServicesID"], new)
    create = ("--cmdlet", "New-Mailbox", "--set", "Shared=$true", "--out", "new")
    bulkexo("run", arrived, *create, cwd=tmp_path, env=tenant.env).check(0)
    tenant.journal()
    once_more = ("first/failed.csv", "--cmdlet", "Set-Mailbox", "--out", "second")
    bulkexo("run", *once_more, cwd=tmp_path, env=tenant.env).check(0)
    assert statuses(tmp_path / "second") == {1: "succeeded", 2: "succeeded"}
    assert {effect["identity"]: effect["parameters"] for effect in tenant.journal()} == {
        row[0]: {"Identity": row[0], header[1]: row[1], header[2]: row[2] == "true"}
        for row in (rows[3], rows[9])
    }
    assert read_back(tmp_path / "second" / "failed.csv") == []


def test_a_later_step_is_skipped_where_an_earlier_one_failed(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    rows = [[name, names[-1]] for name in names[20:29]] + [["nobody@contoso.com", names[-1]]]
    table(tmp_path / "rows.csv", ["Box", "Who"], rows)
    steps = [
        {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Box}", "CustomAttribute1": "shared"}},
        {
            "cmdlet": "Add-MailboxPermission",
            "parameters": {"Identity": "${Box}", "User": "${Who}", "AccessRights": ["FullAccess"]},
        },
    ]
    job = yaml_file(tmp_path / "job.yaml", {"rows": "rows.csv", "steps": steps})
    tenant.journal()
    done = bulkexo("run", job, "--out", "out", cwd=tmp_path, env=tenant.env).check(1)
    ended = {(line["row"], line["step"]): line["status"] for line in lines(tmp_path / "out")}
    assert ended == {
        **{(row, step): "succeeded" for row in range(1, 10) for step in (1, 2)},
        (10, 1): "failed",
        (10, 2): "skipped",
    }
    assert document(tmp_path / "out")["counts"]["items"] == 20
    assert "18 succeeded, 1 failed, 1 skipped." in done.stderr
    order = defaultdict(list)
    for effect in tenant.journal():
        order[effect["identity"]].append(effect["cmdlet"])
    assert dict(order) == {row[0]: ["Set-Mailbox", "Add-MailboxPermission"] for row in rows[:9]}
    assert [row["Box"] for row in read_back(tmp_path / "out" / "failed.csv")] == ["nobody@contoso.com"]


def test_rows_of_one_mailbox_keep_their_order_whatever_fails(tmp_path: Path) -> None:
    options = "--mailboxes 40 --speed 50 --faults 100 --batch-parallel 10"
    with pretend(tmp_path / "tenant", options) as tenant:
        names = people(tenant)
        rows = [
            [name.upper() if turn % 2 else name, f"turn {turn}"]
            for turn in range(4)
            for name in reversed(names)
        ]
        job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], rows)
        arguments = ("--cmdlet", "Set-Mailbox", "--out", "out", "--concurrency", "10", "--retries", "20")
        bulkexo("run", job, *arguments, cwd=tmp_path, env=tenant.env)
        by_row = statuses(tmp_path / "out")
        assert set(by_row) == set(range(1, 161))
        turns = defaultdict(list)
        for effect in tenant.journal():
            turns[effect["identity"].lower()].append(effect["parameters"]["CustomAttribute1"])
        held = {box["UserPrincipalName"]: box["CustomAttribute1"] for box in tenant.everything()}
    assert all(seen == sorted(seen) for seen in turns.values())
    last = {rows[row - 1][0].lower(): status for row, status in by_row.items() if row > 120}
    good = [name for name, status in last.items() if status in ("succeeded", "unchanged")]
    assert len(good) > 30
    assert {held[name] for name in good} == {"turn 3"}

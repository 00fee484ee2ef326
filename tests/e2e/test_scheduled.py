"""The three reports of jobs/ as a scheduler runs them: twice on one tenant, with changes in between."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, document, ended, lines, start, until
from tests.e2e.pretend import Pretend, pretend

JOBS = Path(__file__).parents[2] / "jobs"
SHARED = {"RecipientTypeDetails": "SharedMailbox"}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    with pretend(tmp_path_factory.mktemp("tenant"), "--mailboxes 140 --speed 100") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    shutil.copytree(JOBS, tmp_path / "jobs")
    return tmp_path


def report(home: Path, tenant: Pretend, name: str, *more: str, code: int = 0) -> dict[str, Any]:
    """A run as a scheduler has it; its summary."""
    given = ("--out", "reports/${job}-${date}", "--export", "reports/${job}-${date}.csv", "--quiet", "--json")
    done = bulkexo("run", f"jobs/{name}.yaml", *given, *more, cwd=home, env=tenant.env).check(code)
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(f"{name}.yaml complete: ")
    return done.summary


def change(home: Path, tenant: Pretend, *cmdlets: dict[str, Any]) -> None:
    text = "".join(json.dumps(each) + "\n" for each in cmdlets)
    (home / "change.ndjson").write_text(text, encoding="utf-8")
    bulkexo("run", "change.ndjson", "--yes", cwd=home, env=tenant.env).check(0)


def changes(home: Path, summary: dict[str, Any]) -> list[dict[str, Any]]:
    content = (home / summary["changes"]["file"]).read_bytes()
    return [json.loads(line) for line in content.splitlines()]


def cmdlet(name: str, **parameters: Any) -> dict[str, Any]:
    return {"cmdlet": name, "parameters": parameters}


def test_permissions_come_and_go(home: Path, tenant: Pretend) -> None:
    first = report(home, tenant, "permissions")
    assert first["changes"] is None
    shared = [box for box in tenant.everything() if box["RecipientTypeDetails"] == "SharedMailbox"]
    one, other = shared[0]["UserPrincipalName"], shared[1]["UserPrincipalName"]
    user = "mailbox131@contoso.onmicrosoft.com"
    full = {"User": user, "AccessRights": ["FullAccess"]}
    change(
        home,
        tenant,
        cmdlet("Add-MailboxPermission", Identity=one, **full),
        cmdlet("Add-RecipientPermission", Identity=one, Trustee=user, AccessRights=["SendAs"]),
        cmdlet("Set-Mailbox", Identity=other, GrantSendOnBehalfTo=[user]),
    )
    second = report(home, tenant, "permissions", "--changed-exit-code", "10", code=10)
    told = {(each["change"], each["cmdlet"], each["identity"]) for each in changes(home, second)}
    assert told == {
        ("came", "Get-MailboxPermission", one),
        ("came", "Get-RecipientPermission", one),
        ("came", "Get-Mailbox", other),
    }
    change(home, tenant, cmdlet("Remove-MailboxPermission", Identity=one, **full))
    (gone,) = changes(home, report(home, tenant, "permissions"))
    assert (gone["change"], gone["values"]["AccessRights"]) == ("went", ["FullAccess"])
    assert len(list((home / "reports").glob("permissions-*.csv"))) == 3


def test_forwarding_to_other_domains_alone_is_reported(home: Path, tenant: Pretend) -> None:
    first = report(home, tenant, "forwarding")
    rules = [
        value
        for line in lines(home / first["run"])
        for value in line["value"]
        if line["cmdlet"] == "Get-InboxRule"
    ]
    assert rules
    assert all("[SMTP:" in str(rule["RedirectTo"]) for rule in rules)
    people = [box["UserPrincipalName"] for box in tenant.everything()]
    change(
        home,
        tenant,
        cmdlet("Set-Mailbox", Identity=people[0], ForwardingSmtpAddress="smtp:x@fabrikam.example"),
        cmdlet("Set-Mailbox", Identity=people[1], ForwardingSmtpAddress=f"smtp:{people[2]}"),
        cmdlet("Set-Mailbox", Identity=people[3], ForwardingAddress=people[4]),
        cmdlet("New-InboxRule", Mailbox=people[5], Name="out", ForwardTo=["y@fabrikam.example"]),
        cmdlet("New-InboxRule", Mailbox=people[6], Name="in", ForwardTo=[people[7]]),
    )
    second = report(home, tenant, "forwarding")
    told = [(each["change"], each["cmdlet"], each["identity"]) for each in changes(home, second)]
    assert told == [("came", "Get-InboxRule", people[5]), ("came", "Get-Mailbox", people[0])]


def test_sizes_are_asked_of_every_mailbox(home: Path, tenant: Pretend) -> None:
    first = report(home, tenant, "sizes")
    assert first["items"] == first["succeeded"] == 140
    again = report(home, tenant, "sizes")
    assert again["changes"] == {
        "with": first["run"],
        "file": f"{again['run']}/changes.ndjson",
        "came": 0,
        "went": 0,
        "changed": 0,
        "objects": 140,
        "not_compared": 0,
    }
    assert changes(home, again) == []
    text = (home / "reports" / f"{Path(first['run']).name}.csv").read_text(encoding="utf-8-sig")
    assert "TotalItemSize.Bytes" in text.splitlines()[0]


def test_a_run_that_was_killed_is_gone_on_with_and_then_compared(home: Path, tenant: Pretend) -> None:
    report(home, tenant, "permissions")
    given = ("--out", "reports/${job}-${date}", "--export", "reports/${job}-${date}.csv", "--rate", "20")
    process = start("run", "jobs/permissions.yaml", *given, cwd=home, env=tenant.env)
    run = next((home / "reports").glob("permissions-*/"))
    second = run.with_name(f"{run.name}-2")
    until(lambda: len(lines(second)) > 10, process)
    process.kill()
    ended(process)
    refused = bulkexo("run", "jobs/permissions.yaml", *given, cwd=home, env=tenant.env).check(2)
    assert "bulkexo resume" in refused.stderr
    again = ("run", "jobs/permissions.yaml", *given[:-1], "1000", "--go-on", "--json")
    on = bulkexo(*again, cwd=home, env=tenant.env).check(0)
    assert "Going on: " in on.stderr
    assert on.summary["changes"]["with"] == f"reports/{run.name}"
    assert on.summary["changes"]["objects"] > 20
    assert changes(home, on.summary) == []
    assert document(second)["exports"]
    done = bulkexo("resume", second, "--json", cwd=home, env=tenant.env).check(0)
    assert "exports" not in done.summary
    assert len(list((home / "reports").glob("permissions-*.csv"))) == 2
    third = bulkexo(*again, cwd=home, env=tenant.env).check(0)
    assert third.summary["run"] == f"reports/{run.name}-3"


def test_going_on_does_what_a_complete_run_has_left_undone(home: Path, tenant: Pretend) -> None:
    """As it was killed when it came to its tables."""
    out = ("--out", "reports/${job}-${date}", "--export", "tables/${job}-${date}.csv")
    again = ("run", "jobs/permissions.yaml", *out, "--go-on", "--json")
    first = bulkexo(*again, cwd=home, env=tenant.env).check(0).summary
    run_json = home / first["run"] / "run.json"
    found = json.loads(run_json.read_bytes())
    run_json.write_text(json.dumps({**found, "finished": False, "exports": {}}), encoding="utf-8")
    (home / first["exports"][0]).unlink()
    on = bulkexo(*again, cwd=home, env=tenant.env).check(0).summary
    assert (on["run"], on["sent"]) == (first["run"], 0)
    assert [str(path.relative_to(home)) for path in (home / "tables").iterdir()] == on["exports"]
    assert bulkexo(*again, cwd=home, env=tenant.env).check(0).summary["run"] == f"{on['run']}-2"


def test_a_further_table_that_fails_leaves_the_run_unfinished(home: Path, tenant: Pretend) -> None:
    """Though an earlier process had finished it."""
    one = ("run", "jobs/permissions.yaml", "--out", "out", "--export", "one.csv")
    bulkexo(*one, cwd=home, env=tenant.env).check(0)
    assert document(home / "out")["finished"] is True
    (home / "two.csv").mkdir()
    done = bulkexo("resume", "out", "--export", "two.csv", cwd=home, env=tenant.env).check(3)
    assert "The run itself is complete; do what is missing of the rest" in done.stderr
    assert document(home / "out")["finished"] is False


def test_going_on_needs_a_folder_that_is_named(home: Path) -> None:
    assert (
        "needs --out" in bulkexo("run", "jobs/sizes.yaml", "--go-on", "--sandbox", cwd=home).check(2).stderr
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--export", "table.doc"), "names no table"),
        (("--export", "jobs/README.md.csv"), "is there already"),
        (("--export", f"{'a' * 300}/t.csv"), "File name too long"),
        (("--export", "jobs/README.md.csv/t.csv"), "No table can be written to jobs/README.md.csv"),
        (("--export", "jobs/README.md.csv/${date}/t.csv"), "README.md.csv is a file). Name a folder"),
        (("--threshold", "10%", "--export", "table.doc"), "names no table"),
        (("--compare-with", "none"), "no run.json"),
        (("--changed-exit-code", "10", "--compare-with", ""), "does not fit"),
        (("--changed-exit-code", "1"), "from 5 to 125"),
        (("--threshold", "much"), "a share such as 10%"),
    ],
)
def test_what_cannot_be_done_at_the_end_is_told_before_the_start(
    home: Path, more: tuple[str, ...], told: str
) -> None:
    (home / "jobs" / "README.md.csv").write_text("", encoding="utf-8")
    command = "check" if more[0] == "--export" else "run"
    done = bulkexo(command, "jobs/permissions.yaml", "--sandbox", *more, cwd=home).check(2)
    assert told in done.stderr
    assert not (home / "runs").exists()

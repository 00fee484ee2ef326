"""Going on with a run: after signals and kills, from folders as a crash leaves them, with the job changed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Ended, bulkexo, document, ended, lines, start, statuses, until
from tests.e2e.files import document as yaml_file
from tests.e2e.files import people, read_back, table
from tests.e2e.pretend import Pretend, pretend

SET = ("--cmdlet", "Set-Mailbox", "--out", "out")
HEADER = ["Identity", "CustomAttribute1"]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant in which Get-User never ends."""
    options = "--mailboxes 20 --latency Get-User=900,0"
    with pretend(tmp_path_factory.mktemp("slow"), options) as running:
        yield running


def job(folder: Path, names: list[str], value: str = "v") -> Path:
    return table(folder / "job.csv", HEADER, [[name, value + folder.name] for name in names])


def crashed(run: Path, keep: int, tail: bytes = b"") -> None:
    """Make of a complete run what a crash would have left after `keep` lines."""
    whole = (run / "results.ndjson").read_bytes().splitlines(keepends=True)
    (run / "results.ndjson").write_bytes(b"".join(whole[:keep]) + tail)
    found = json.loads((run / "run.json").read_bytes())
    (run / "run.json").write_text(json.dumps({**found, "state": "running", "ended": None}))


def finished(folder: Path, tenant: Pretend, names: list[str], code: int = 0) -> Path:
    """A run of these names that is complete, in a folder `out`; its effects are forgotten."""
    bulkexo("run", job(folder, names), *SET, cwd=folder, env=tenant.env).check(code)
    tenant.journal()
    return folder / "out"


def resumed(folder: Path, tenant: Pretend, code: int, *more: str) -> Ended:
    return bulkexo("resume", "out", *more, cwd=folder, env=tenant.env).check(code)


def touched(tenant: Pretend) -> Counter[tuple[str, str]]:
    """How often each cmdlet ran on each object since this was asked last, be it that nothing changed."""
    return Counter((effect["cmdlet"], str(effect["identity"]).lower()) for effect in tenant.journal())


def everything(run: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in run.iterdir() if file.name != "run.lock"}


def mixed(folder: Path, names: list[str]) -> Path:
    """Four kinds of cmdlets over different mailboxes, of which one kind only is harmless twice."""
    rows: list[list[str]] = []
    for number in range(0, len(names) - 1, 4):
        first, second, third, fourth = names[number : number + 4]
        rows += [
            ["Set-Mailbox", first, "", "", "", f"{folder.name}", ""],
            ["Add-MailboxPermission", second, "", first, "FullAccess", "", ""],
            ["Remove-Mailbox", third, "", "", "", "", ""],
            ["New-Mailbox", "", f"{folder.name}-{number}", "", "", "", "true"],
            ["Set-Mailbox", fourth, "", "", "", f"{folder.name}", ""],
        ]
    columns = ["Cmdlet", "Identity", "Name", "User", "AccessRights", "CustomAttribute1", "Shared"]
    return table(folder / "job.csv", columns, rows)


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_whatever_ended_it_nothing_is_lost_and_nothing_done_twice(tmp_path: Path, name: str) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 100 --latency 0.3,0") as tenant:
        rows = mixed(tmp_path, people(tenant)[:80])
        arguments = ("--yes", "--out", "out", "--concurrency", "2", "--batch-size", "5")
        process = start("run", rows, *arguments, cwd=tmp_path, env=tenant.env)
        until(lambda: len(lines(tmp_path / "out")) >= 10, process)
        process.send_signal(getattr(signal, name))
        code = ended(process).code
        before = lines(tmp_path / "out")
        assert code == (3 if name == "SIGINT" else -signal.SIGKILL)
        assert 10 <= len(before) < 100
        in_doubt = doubtful(tmp_path / "out")
        assert name == "SIGKILL" or in_doubt == 0
        done = resumed(tmp_path, tenant, 0, "--json")
        after = lines(tmp_path / "out")
        effects = [effect for effect in tenant.journal() if effect["changed"]]
    told = f"; {in_doubt} were in flight and are settled first." if in_doubt else "."
    assert f"Going on: {len(before)} items have ended{told}" in done.stderr
    assert "Complete: 100 items in" in done.stderr
    assert f"{len(before)} of them had ended before." in done.stderr
    assert after[: len(before)] == before
    assert sorted(line["row"] for line in after) == list(range(1, 101))
    assert {line["status"] for line in after if line["cmdlet"] != "Set-Mailbox"} == {"succeeded"}
    assert {line["status"] for line in after} <= {"succeeded", "unchanged"}  # a Set- that was in flight
    unsafe = [(each["cmdlet"], each["identity"]) for each in effects if each["cmdlet"] != "Set-Mailbox"]
    assert len(unsafe) == len(set(unsafe)) == 60
    assert done.summary["ended"] == 100
    assert document(tmp_path / "out")["state"] == "complete"


def doubtful(run: Path) -> int:
    """Items that were announced, not taken back, and have no line."""
    announced: set[tuple[int, int]] = set()
    for raw in (run / "announced.ndjson").read_bytes().splitlines():
        line = json.loads(raw)
        announced |= {(row, step) for row, step, _ in line.get("items", [])}
        announced -= {(row, step) for row, step, _ in line.get("withdrawn", [])}
    return len(announced - {(line["row"], line["step"]) for line in lines(run)})


def test_what_was_throttled_when_it_stopped_is_sent_and_not_in_doubt(tmp_path: Path) -> None:
    """Cmdlets of which nobody could tell later whether they ran: none of them ends unknown."""
    options = (
        "--mailboxes 60 --latency 0 --allowance 1/s --burst 5 --throttle-style inside --retry-after none"
    )
    with pretend(tmp_path / "tenant", options) as tenant:
        names = people(tenant)[:40]
        content = {
            "cmdlet": "Add-MailboxPermission",
            "repeat": "unsafe",
            "rows": [{"Box": name} for name in names],
            "parameters": {"Identity": "${Box}", "User": names[0], "AccessRights": ["ReadPermission"]},
        }
        arguments = ("--out", "out", "--concurrency", "4")
        file = yaml_file(tmp_path / "job.yaml", content)
        process = start("run", file, *arguments, cwd=tmp_path, env=tenant.env)
        until(lambda: lines(tmp_path / "out") and tenant.stats()["throttled_items"], process)
        process.send_signal(signal.SIGINT)
        ended(process).check(3)
        announced = (tmp_path / "out" / "announced.ndjson").read_bytes()
        assert b'"withdrawn"' in announced
        assert doubtful(tmp_path / "out") == 0
        before = len(lines(tmp_path / "out"))
        process = start("resume", "out", cwd=tmp_path, env=tenant.env)
        until(lambda: len(lines(tmp_path / "out")) > before, process)
        process.send_signal(signal.SIGINT)
        ended(process).check(3)
        assert {line["status"] for line in lines(tmp_path / "out")} == {"succeeded"}
        assert set(touched(tenant).values()) == {1}


@pytest.mark.parametrize("code", [0, 1])
def test_a_complete_run_stays_as_it_is(tmp_path: Path, tenant: Pretend, names: list[str], code: int) -> None:
    run = finished(tmp_path, tenant, [*names[:5], *["nobody@contoso.com"] * code], code)
    before, requests = everything(run), tenant.stats()["requests"]
    done = resumed(tmp_path, tenant, code, "--json")
    assert done.summary["state"] == "complete"
    assert tenant.stats()["requests"] == requests
    after = everything(run)
    assert {**after, "run.json": b""} == {**before, "run.json": b""}
    assert document(run)["counts"]["ended"] == 5 + code
    assert document(run)["started"] == json.loads(before["run.json"])["started"]


def test_a_crash_before_the_last_word_needs_no_more_than_that(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    run = finished(tmp_path, tenant, names[:5])
    crashed(run, 5)
    resumed(tmp_path, tenant, 0)
    assert document(run)["state"] == "complete"
    assert touched(tenant) == {}


def test_run_goes_on_with_a_folder_as_resume_does(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    run = finished(tmp_path, tenant, names[:12])
    crashed(run, 5)
    done = bulkexo("run", "out", cwd=tmp_path, env=tenant.env).check(0)
    assert "Going on: 5 items have ended." in done.stderr
    assert len(touched(tenant)) == 7
    assert sorted(statuses(run)) == list(range(1, 13))
    assert Counter(statuses(run).values()) == {"succeeded": 5, "unchanged": 7}


def test_connection_and_options_are_those_of_the_run(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    """Only the secret is asked for again; what is given again comes first."""
    arguments = (*SET, "--batch-size", "3", "--concurrency", "1", "--rate", "1000")
    bulkexo("run", job(tmp_path, names[:12]), *arguments, cwd=tmp_path, env=tenant.env).check(0)
    crashed(tmp_path / "out", 0)
    secret = {"BULKEXO_CLIENT_SECRET": tenant.env["BULKEXO_CLIENT_SECRET"]}
    requests = tenant.stats()["requests"]
    bulkexo("resume", tmp_path / "out", "--concurrency", "2", cwd=tmp_path.parent, env=secret).check(0)
    assert tenant.stats()["requests"] - requests == 4
    options = document(tmp_path / "out")["options"]
    assert {name: str(options[name]) for name in ("batch_size", "concurrency", "rate")} == {
        "batch_size": "3",
        "concurrency": "2",
        "rate": "1000",
    }
    assert secret["BULKEXO_CLIENT_SECRET"] not in (tmp_path / "out" / "run.json").read_text()


def test_kinds_of_failures_are_those_of_the_whole_run(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    """Not of the last process alone."""
    gone = [f"nobody{number}@contoso.com" for number in range(6)]
    file = job(tmp_path, [*names[:4], *gone, *names[4:8], "nobody@contoso.com"])
    more = ("--order", "file", "--batch-size", "1", "--max-failures", "3")
    bulkexo("run", file, *SET, *more, cwd=tmp_path, env=tenant.env).check(3)
    first = lines(tmp_path / "out")
    for _ in range(2):  # the second time nothing is left to be done
        arguments = ("resume", "out", "--max-failures", "100", "--json")
        done = bulkexo(*arguments, cwd=tmp_path, env=tenant.env).check(1)
        (kind,) = done.summary["failures"]
        assert (kind["cmdlet"], kind["count"], done.summary["failed"]) == ("Set-Mailbox", 7, 7)
        assert kind["example"] == next(line for line in first if line["error"])["error"]["message"]
        assert "      7  Set-Mailbox  ManagementObjectNotFoundException" in done.stderr
        assert "(row 5, nobody0@contoso.com)" in done.stderr


def test_a_changed_job_is_refused(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    run = finished(tmp_path, tenant, names[:8])
    crashed(run, 5)
    before = everything(run)
    with (tmp_path / "job.csv").open("a", encoding="utf-8") as file:
        file.write(f"{names[8]},more\n")
    done = resumed(tmp_path, tenant, 2)
    assert f"{tmp_path / 'job.csv'} changed since the run began. Put back what it was" in done.stderr
    assert "--accept-changed-input" in done.stderr
    assert everything(run) == before
    assert touched(tenant) == {}


def test_a_changed_job_goes_on_by_key(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    """Turned round, without one row that had ended, with one that is new, and one of another value."""
    run = finished(tmp_path, tenant, names[:8])
    order = [line["identity"] for line in lines(run)]
    crashed(run, 5)
    rows = [[name, "v" + tmp_path.name] for name in reversed(names[:8]) if name != order[0]]
    rows = [[name, "other" if name == order[1] else value] for name, value in rows]
    table(tmp_path / "job.csv", HEADER, [*rows, [names[20], "new"]])
    done = resumed(tmp_path, tenant, 0, "--accept-changed-input")
    assert "2 results belong to rows that are no longer in the job." in done.stderr
    assert "Going on: 3 items have ended." in done.stderr
    sent = [*order[5:], order[1], names[20]]
    assert touched(tenant) == {("Set-Mailbox", name.lower()): 1 for name in sent}
    again = lines(run)
    assert sorted(line["identity"] for line in again[5:]) == sorted(sent)
    assert (document_of(run)["state"], document_of(run)["counts"]["items"]) == ("complete", 8)
    crashed(run, len(again))
    resumed(tmp_path, tenant, 0)  # it has been accepted, and goes by key from then on
    assert lines(run) == again
    assert touched(tenant) == {}


def document_of(run: Path) -> dict[str, Any]:
    """run.json; its counts are of the job as it is now."""
    found: dict[str, Any] = json.loads((run / "run.json").read_bytes())
    return found


def test_a_torn_last_line_is_left_out_and_said(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    run = finished(tmp_path, tenant, names[:8])
    torn = (run / "results.ndjson").read_bytes().splitlines()[3][:71]
    crashed(run, 3, torn)
    done = resumed(tmp_path, tenant, 0)
    assert "The last line of the results was torn (71 bytes) and is left out." in done.stderr
    assert "Going on: 3 items have ended." in done.stderr
    assert sorted(statuses(run)) == list(range(1, 9))
    assert document(run)["state"] == "complete"


@pytest.mark.parametrize("damage", [b"\0" * 60 + b"\n", b'{"row": 1}\n', b"[]\n"])
def test_damaged_results_are_told_and_left_alone(
    tmp_path: Path, tenant: Pretend, names: list[str], damage: bytes
) -> None:
    run = finished(tmp_path, tenant, names[:8])
    whole = (run / "results.ndjson").read_bytes().splitlines(keepends=True)
    crashed(run, 3, damage + b"".join(whole[4:6]))
    before = everything(run)
    done = resumed(tmp_path, tenant, 2)
    place = len(b"".join(whole[:3]))
    assert f"byte {place}" in done.stderr
    assert "results.ndjson" in done.stderr
    assert everything(run) == before
    assert touched(tenant) == {}


@pytest.mark.parametrize(
    "left", [None, b"", b"\xef\xbb\xbfIdentity,CustomAttribute1,Error\r\nsome", b"x" * 999]
)
def test_failed_csv_is_made_again_from_the_results(
    tmp_path: Path, tenant: Pretend, names: list[str], left: bytes | None
) -> None:
    """A crash can leave it ahead of them, torn, or not there."""
    missing = [f"nobody{number}@contoso.com" for number in range(4)]
    run = finished(tmp_path, tenant, [*missing[:2], *names[:4], *missing[2:]], 1)
    crashed(run, 4)
    ended_so = {line["identity"] for line in lines(run)}
    (run / "failed.csv").unlink()
    if left is not None:
        (run / "failed.csv").write_bytes(left)
    resumed(tmp_path, tenant, 1)
    rows = read_back(run / "failed.csv")
    assert sorted(row["Identity"] for row in rows) == missing
    assert {row["CustomAttribute1"] for row in rows} == {"v" + tmp_path.name}
    assert all("couldn't be found" in row["Error"] for row in rows)
    assert ended_so <= {line["identity"] for line in lines(run)}


def waiting(folder: Path, slow: Pretend, *options: str) -> subprocess.Popen[str]:
    """A run whose only batch is in flight, and would be for a quarter of an hour."""
    content = [["Get-User", name] for name in people(slow)[:3]]
    file = table(folder / "job.csv", ["Cmdlet", "Identity"], content)
    requests = slow.stats()["requests"]
    process = start("run", file, "--out", "out", *options, cwd=folder, env=slow.env)
    until(lambda: slow.stats()["requests"] > requests, process)
    return process


def test_a_folder_that_another_process_works_in(tmp_path: Path, slow: Pretend) -> None:
    process = waiting(tmp_path, slow, "--drain", "0.3s")
    for command in (("resume", "out"), ("retry", "out"), ("run", "out")):
        done = bulkexo(*command, cwd=tmp_path, env=slow.env).check(2)
        assert done.stderr == (
            "Another bulkexo is at work in out. Wait for it, or stop it with Ctrl-C, then go on.\n"
        )
    process.send_signal(signal.SIGINT)
    ended(process).check(3)
    assert document(tmp_path / "out")["reason"] == "The run was interrupted."


def test_the_drain_is_waited_for_and_no_longer(tmp_path: Path, slow: Pretend) -> None:
    process = waiting(tmp_path, slow, "--drain", "0.3s")
    process.send_signal(signal.SIGINT)
    done = ended(process).check(3)
    assert "Stopping: 1 batch is in flight and may end within 0 s." in done.stderr
    assert "bulkexo resume out" in done.stderr
    assert document(tmp_path / "out")["counts"]["ended"] == 0


def test_a_secret_of_the_command_line_is_asked_for_again(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    secret = "Sesam-öffne-dich"
    content = {
        "cmdlet": "Set-Mailbox",
        "secret": ["CustomAttribute1"],
        "rows": [{"Who": name} for name in names[:6]],
        "parameters": {"Identity": "${Who}"},
    }
    given = ("--set", f"CustomAttribute1={secret}", "--set", "CustomAttribute2=open")
    file = yaml_file(tmp_path / "job.yaml", content)
    bulkexo("run", file, "--out", "out", *given, cwd=tmp_path, env=tenant.env).check(0)
    crashed(tmp_path / "out", 2)
    done = resumed(tmp_path, tenant, 2)
    assert "A secret is kept nowhere, so give it once more: --set CustomAttribute1=…" in done.stderr
    tenant.journal()
    resumed(tmp_path, tenant, 0, "--set", f"customattribute1={secret}-2")
    held = tenant.get([line["identity"] for line in lines(tmp_path / "out")[2:]])
    assert {(box["CustomAttribute1"], box["CustomAttribute2"]) for box in held} == {(f"{secret}-2", "open")}
    for content_of in everything(tmp_path / "out").values():
        assert secret not in content_of.decode("utf-8-sig")
        assert json.dumps(secret)[1:-1] not in content_of.decode("utf-8-sig")


@pytest.mark.parametrize("command", ["resume", "retry", "run"])
def test_a_rehearsal_of_going_on_is_refused_and_nothing_is_sent(
    tmp_path: Path, tenant: Pretend, names: list[str], command: str
) -> None:
    run = finished(tmp_path, tenant, [*names[:6], "nobody@contoso.com"], 1)
    crashed(run, 3)
    before = everything(run)
    done = bulkexo(command, "out", "--dry-run", cwd=tmp_path, env=tenant.env).check(2)
    assert "--dry-run" in done.stderr
    assert everything(run) == before
    assert touched(tenant) == {}


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_what_is_no_run_is_said(tmp_path: Path, command: str) -> None:
    for name in ("nothing", "."):
        done = bulkexo(command, name, cwd=tmp_path).check(2)
        assert "is not the folder of a run: it has no run.json." in done.stderr
    assert list(tmp_path.iterdir()) == []

"""What changed between two runs of a report, told from their folders alone."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bulkexo.journal import RunFolder
from bulkexo.model import UsageError
from bulkexo.report.changes import Wanted, compare_runs, earlier_run
from bulkexo.report.changes.comparing import Changes
from bulkexo.report.changes.words import as_text, in_short

Line = Mapping[str, Any]
ADA, BOB = "ada@contoso.com", "bob@contoso.com"


def line(identity: str, *value: Any, cmdlet: str = "Get-Mailbox", **more: Any) -> dict[str, Any]:
    members = {"row": 1, "step": 1, "status": "succeeded", "error": None, "attempts": 1, **more}
    return {"cmdlet": cmdlet, "identity": identity, "value": value, "duration_ms": 1, **members}


def run(path: Path, lines: Sequence[Line], *, started: str = "1", **more: Any) -> RunFolder:
    path.mkdir(parents=True)
    text = "".join(json.dumps(each) + "\n" for each in lines)
    (path / "results.ndjson").write_text(text, encoding="utf-8")
    first = {"state": "complete", "started": started, "job": {"path": "/jobs/a.yaml", "steps": []}, **more}
    (path / "run.json").write_text(json.dumps(first), encoding="utf-8")
    return RunFolder(path)


def changed(
    home: Path, before: Sequence[Line], after: Sequence[Line], wanted: Wanted | None = None
) -> list[dict[str, Any]]:
    """The lines of changes.ndjson; their number is that of the counts."""
    earlier, later = run(home / "before", before), run(home / "after", after, started="2")
    changes = compare_runs(later, earlier, wanted or Wanted())
    found = [json.loads(text) for text in changes.file.read_bytes().splitlines()]
    kinds = [each["change"] for each in found]
    assert (changes.came, changes.went, changes.changed) == tuple(
        map(kinds.count, ("came", "went", "changed"))
    )
    assert changes.total == len(found)
    return found


def test_an_object_that_changed_came_and_went(tmp_path: Path) -> None:
    before = [line(ADA, {"Guid": "1", "Office": "A"}), line(BOB, {"Guid": "2", "Office": "B"})]
    after = [line("eve@contoso.com", {"Guid": "3"}), line(ADA, {"Guid": "1", "Office": "C"})]
    went, came, other = changed(tmp_path, before, after)
    assert (went["change"], went["identity"], went["values"]["Office"]) == ("went", BOB, "B")
    assert (came["change"], came["key"]) == ("came", {"Guid": "3"})
    assert other == {
        "change": "changed",
        "cmdlet": "Get-Mailbox",
        "identity": ADA,
        "key": {"Guid": "1"},
        "columns": [{"column": "Office", "before": "A", "after": "C"}],
    }


def test_what_is_the_same_to_exchange_is_no_change(tmp_path: Path) -> None:
    before = {
        "Guid": "AB",
        "Addresses": ["a", "b"],
        "Note": None,
        "Size": "1 GB (1,073,741,824 bytes)",
        "N": 5,
    }
    after = {
        "Guid": "AB",
        "Addresses": ["b", "a"],
        "Note": "",
        "Size": "1.0 GB (1,073,741,824 bytes)",
        "N": 5.0,
        "Addresses@odata.type": "#Collection(String)",
    }
    assert changed(tmp_path, [line(ADA, before)], [line(ADA, after)]) == []


def test_a_renamed_mailbox_is_still_itself(tmp_path: Path) -> None:
    before = [line(ADA, {"Guid": "1", "UserPrincipalName": ADA})]
    (told,) = changed(tmp_path, before, [line(BOB, {"Guid": "1", "UserPrincipalName": BOB})])
    assert told["columns"] == [{"column": "UserPrincipalName", "before": ADA, "after": BOB}]


def test_entries_of_a_permission_come_and_go_as_a_whole(tmp_path: Path) -> None:
    def entry(user: str, *rights: str) -> dict[str, Any]:
        return {"Identity": "ada", "User": user, "AccessRights": rights}

    before = [line(ADA, entry("x", "FullAccess"), entry("y", "FullAccess"), cmdlet="Get-MailboxPermission")]
    after = [
        line(ADA, entry("y", "FullAccess"), entry("x", "ReadPermission"), cmdlet="Get-MailboxPermission"),
        line(BOB, cmdlet="Get-MailboxPermission"),
    ]
    went, came = changed(tmp_path, before, after)
    assert (went["change"], went["values"]["AccessRights"]) == ("went", ["FullAccess"])
    assert (came["change"], came["values"]["User"], "key" in came) == ("came", "x", False)


def test_one_member_of_several_groups_is_told_apart_by_its_group(tmp_path: Path) -> None:
    def group(name: str, *guids: str) -> dict[str, Any]:
        return line(name, *({"Guid": guid} for guid in guids), cmdlet="Get-DistributionGroupMember")

    (told,) = changed(tmp_path, [group("A", "1", "2"), group("B", "1")], [group("A", "1", "2"), group("B")])
    assert (told["change"], told["identity"], told["values"]) == ("went", "B", {"Guid": "1"})


def test_what_failed_is_not_compared(tmp_path: Path) -> None:
    failed = line(ADA, status="failed", error={"code": "Server"})
    ruled_out = line(BOB, status="skipped", error={"code": "bulkexo:rule"})
    before = [line(ADA, {"Guid": "1"}), line(BOB, {"Guid": "2"})]
    (told,) = changed(tmp_path, before, [failed, ruled_out])
    assert (told["change"], told["identity"]) == ("went", BOB)
    text = as_text(compare_runs(RunFolder(tmp_path / "before"), RunFolder(tmp_path / "after"), Wanted()))
    assert "1 item that failed" in text


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"objects": 5}, "no change"),
        ({}, "no change"),
        ({"objects": 5, "left_out": 1}, "no change, 1 item not compared"),
        ({"left_out": 3}, "nothing was compared, 3 items not compared"),
        ({"objects": 5, "changed": 2}, "0 came, 0 went, 2 changed"),
        ({"objects": 5, "strange": "One has more rows."}, "no change, of runs that are unlike"),
    ],
)
def test_one_line_tells_what_was_not_compared(found: dict[str, Any], said: str) -> None:
    """No change is not what a run can say that failed to read."""
    assert in_short(Changes(Path("a"), Path("b"), **found)) == f"since a: {said}"


def test_columns_can_be_left_out_and_small_changes_too(tmp_path: Path) -> None:
    before = line(ADA, {"Guid": "1", "LastLogonTime": "x", "Size": "1 KB (1,000 bytes)", "Count": 100})
    after = line(ADA, {"Guid": "1", "LastLogonTime": "y", "Size": "1 KB (1,090 bytes)", "Count": 80})
    (told,) = changed(tmp_path, [before], [after], Wanted(("last*",), 0.1))
    assert [each["column"] for each in told["columns"]] == ["Count"]


def test_a_step_that_is_added_moves_nothing(tmp_path: Path) -> None:
    def steps(*cmdlets: str) -> dict[str, Any]:
        return {"path": "/jobs/a.yaml", "steps": [{"cmdlet": name} for name in cmdlets]}

    earlier = run(tmp_path / "b", [line(ADA, {"Name": "x"})], job=steps("Get-Mailbox"))
    later = run(
        tmp_path / "a",
        [line(ADA, {"Name": "q"}, cmdlet="Get-User"), line(ADA, {"Name": "x"}, step=2)],
        job=steps("Get-User", "Get-Mailbox"),
    )
    changes = compare_runs(later, earlier, Wanted())
    assert [each["cmdlet"] for each in changes.first] == ["Get-User"]


def test_lists_of_several_pages_are_read_from_their_files(tmp_path: Path) -> None:
    earlier = run(tmp_path / "b", [line("", {"Guid": "1"})])
    later = run(tmp_path / "a", [])
    content = b'{"Guid":"1"}\n{"Guid":"2"}\n'
    (later.path / "pages").mkdir()
    (later.path / "pages" / "1.ndjson").write_bytes(content)
    paged = line("", pages={"path": "pages/1.ndjson", "objects": 2, "bytes": len(content)})
    later.results.write_text(json.dumps(paged) + "\n", encoding="utf-8")
    assert [each["key"] for each in compare_runs(later, earlier, Wanted()).first] == [{"Guid": "2"}]


def test_the_latest_is_the_newest_whole_run_of_the_same_job_and_tenant(tmp_path: Path) -> None:
    job, options = {"path": "/jobs/a.yaml", "steps": []}, {"tenant": "contoso.com"}
    runs: Sequence[tuple[str, str, Mapping[str, Any]]] = (
        ("first", "1", {}),
        ("second", "2", {}),
        ("stopped", "3", {"state": "stopped"}),
        ("other-job", "4", {"job": {**job, "path": "/jobs/b.yaml"}}),
        ("other-tenant", "5", {"options": {"tenant": "fabrikam.com"}}),
        ("retried", "6", {}),
        ("later", "9", {}),
    )
    for name, started, more in runs:
        run(tmp_path / name, [], started=started, **{"job": job, "options": options, **more})
    (tmp_path / "retried" / "chosen.bin").write_bytes(b"")
    (tmp_path / "no-run").mkdir()
    now = run(tmp_path / "now", [], started="8", job=job, options=options)
    found = earlier_run(now, "latest")
    assert found is not None
    assert found.path.name == "second"
    assert earlier_run(RunFolder(tmp_path / "first"), "latest") is None


@pytest.mark.parametrize(
    ("name", "told"), [("stopped", "resume"), ("now", "itself"), ("none", "no run.json")]
)
def test_what_cannot_be_compared_with_is_told(tmp_path: Path, name: str, told: str) -> None:
    run(tmp_path / "stopped", [], state="stopped")
    now = run(tmp_path / "now", [])
    with pytest.raises(UsageError, match=told):
        earlier_run(now, str(tmp_path / name))


@pytest.mark.parametrize("side", ["before", "after"])
def test_results_that_were_cut_are_no_report(tmp_path: Path, side: str) -> None:
    folders = [run(tmp_path / name, [line(ADA, {"Guid": "1"})], counts={"ended": 1}) for name in
               ("before", "after")]  # fmt: skip
    (tmp_path / side / "results.ndjson").write_bytes(b"")
    with pytest.raises(UsageError, match="0 of the 1 items that ended: the rest was lost"):
        compare_runs(folders[1], folders[0], Wanted())
    assert not (tmp_path / "after" / "changes.ndjson").exists()


@pytest.mark.parametrize("damaged", ["", "[]", '{"state": [], "started": {}, "job": 7, "options": ["a"]}'])
def test_a_damaged_run_beside_it_is_no_earlier_one(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text(damaged, encoding="utf-8")
    whole = run(tmp_path / "whole", [])
    found = earlier_run(run(tmp_path / "now", [], started="2"), "latest")
    assert found is not None
    assert found.path == whole.path


def test_any_two_reports_differ_by_what_was_changed(tmp_path: Path) -> None:
    source = random.Random(7)
    before: dict[str, dict[str, Any]] = {
        f"{number}": {"Guid": f"{number}", "A": source.randrange(3)} for number in range(400)
    }
    after = {guid: dict(each) for guid, each in before.items()}
    gone = set(source.sample(sorted(after), 20))
    other = set(source.sample(sorted(after.keys() - gone), 30))
    for guid in gone:
        del after[guid]
    for guid in other:
        after[guid]["A"] += 10
    new = {f"new{number}" for number in range(10)}
    after |= {guid: {"Guid": guid} for guid in new}
    shuffled = source.sample(sorted(after), len(after))
    found = changed(
        tmp_path, [line(g, each) for g, each in before.items()], [line(g, after[g]) for g in shuffled]
    )
    by_kind = {kind: {each["key"]["Guid"] for each in found if each["change"] == kind}
               for kind in ("went", "came", "changed")}  # fmt: skip
    assert by_kind == {"went": gone, "came": new, "changed": other}


def test_runs_of_two_jobs_are_told(tmp_path: Path) -> None:
    earlier = run(tmp_path / "b", [], job={"path": "/jobs/b.yaml", "steps": []})
    text = as_text(compare_runs(run(tmp_path / "a", []), earlier, Wanted()))
    assert "/jobs/b.yaml, the other of /jobs/a.yaml" in text


MEASURE = """
import resource, sys
from pathlib import Path
from bulkexo.journal import RunFolder
from bulkexo.model import StoppedError
from bulkexo.report.changes import Wanted, compare_runs
if limit := int(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    found = compare_runs(RunFolder(Path(sys.argv[1])), RunFolder(Path(sys.argv[2])), Wanted())
except StoppedError as error:
    sys.exit(str(error))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(found.total, int(peak.split()[1]))
"""
LARGE, SMALL = 40_000, 1_000


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two reports of 40 MB, and two small ones; every other object differs."""
    home = tmp_path_factory.mktemp("reports")
    text = "x" * 1000
    for size in (LARGE, SMALL):
        for name, value in (("before", 1), ("after", 2)):
            lines = [
                line(f"{number}", {"Guid": f"{number}", "Note": text, "Odd": value * (number % 2)})
                for number in range(size)
            ]
            run(home / f"{name}{size}", lines)
    return home


def measured(reports: Path, size: int, limit: int = 0) -> subprocess.CompletedProcess[str]:
    folders = [str(reports / f"{name}{size}") for name in ("after", "before")]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", MEASURE, *folders, str(limit)]
    return subprocess.run(command, capture_output=True, check=False, text=True, env=environment)


LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="VmHWM is Linux's")


@LINUX
def test_memory_does_not_grow_with_the_report(reports: Path) -> None:
    peaks = {}
    for size in (SMALL, LARGE):
        total, peaks[size] = map(int, measured(reports, size).stdout.split())
        assert total == size // 2
    assert peaks[LARGE] - peaks[SMALL] < 45_000


@LINUX
def test_a_disk_without_room_is_told_in_words(reports: Path) -> None:
    done = measured(reports, LARGE, limit=1 << 20)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "needs room for a temporary file" in done.stderr

"""Runbooks on the sandbox: steps that depend on each other, waves with gates, hours of the day."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Ended, bulkexo, document, ended, lines, start, until
from tests.e2e.files import table
from tests.e2e.pretend import Pretend, pretend

STEPS = """
rows: rows.csv
steps:
  - name: create
    cmdlet: New-Mailbox
    parameters: {Name: "${Name}", Shared: true}
  - name: look
    cmdlet: Get-Mailbox
    retry_not_found: 2m
    parameters: {Identity: "${steps.create.ExternalDirectoryObjectId}"}
  - cmdlet: Set-Mailbox
    when: steps.look.RecipientTypeDetails == 'SharedMailbox' and row.Note != ''
    retry_not_found: 2m
    parameters: {Identity: "${steps.create.ExternalDirectoryObjectId}", CustomAttribute1: "${Note}"}
  - cmdlet: Set-Mailbox
    when: failed
    parameters: {Identity: "${Name}", CustomAttribute2: failed}
"""


def book(folder: Path, text: str, rows: list[list[str]], header: tuple[str, ...] = ("Name", "Note")) -> Path:
    table(folder / "rows.csv", list(header), rows)
    path = folder / "job.yaml"
    path.write_text(text)
    return path


def run(folder: Path, tenant: Pretend, code: int, *more: str) -> Ended:
    return bulkexo("run", "job.yaml", "--out", "out", *more, cwd=folder, env=tenant.env).check(code)


def resume(folder: Path, tenant: Pretend, code: int, *more: str) -> Ended:
    return bulkexo("resume", "out", *more, cwd=folder, env=tenant.env).check(code)


def by_item(folder: Path) -> dict[tuple[int, int], dict[str, Any]]:
    found = {(line["row"], line["step"]): line for line in lines(folder)}
    assert len(found) == len(lines(folder))
    return found


def test_steps_take_values_of_earlier_ones_even_from_a_lagging_tenant(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 20 --speed 20 --read-lag 20") as tenant:
        book(tmp_path, STEPS, [[f"{tmp_path.name}{row}", "note" if row % 2 else ""] for row in range(1, 21)])
        run(tmp_path, tenant, 0)
        made = by_item(tmp_path / "out")
        effects = [each for each in tenant.journal() if each["cmdlet"] == "Set-Mailbox" and each["changed"]]
    new = {row: made[row, 1]["value"][0] for row in range(1, 21)}
    for row in range(1, 21):
        assert made[row, 2]["identity"] == new[row]["ExternalDirectoryObjectId"]
        assert made[row, 2]["value"][0]["Name"] == new[row]["Name"]
        assert made[row, 3]["status"] == ("succeeded" if row % 2 else "skipped")
        assert made[row, 4]["error"]["code"] == "bulkexo:rule"
    assert max(line["attempts"] for line in lines(tmp_path / "out")) > 1  # somebody had to wait
    assert len(effects) == 10


def test_after_a_kill_values_are_read_back(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 20 --latency 0.1,0") as tenant:
        book(tmp_path, STEPS, [[f"k{row}", "note"] for row in range(1, 25)])
        process = start(
            *("run", "job.yaml", "--out", "out", "--concurrency", "1", "--batch-size", "4"),
            cwd=tmp_path,
            env=tenant.env,
        )
        until(lambda: len(lines(tmp_path / "out")) >= 16, process)
        process.send_signal(signal.SIGKILL)
        ended(process)
        before = by_item(tmp_path / "out")
        assert len(before) < 96
        resume(tmp_path, tenant, 0)
        effects = Counter((each["cmdlet"], each["identity"]) for each in tenant.journal() if each["changed"])
    after = by_item(tmp_path / "out")
    assert len(after) == 96
    assert {key: after[key] for key in before} == before
    assert {line["status"] for (_, step), line in after.items() if step < 4} <= {"succeeded", "unchanged"}
    made = {row: after[row, 1]["value"] for row in range(1, 25)}
    assert all(
        after[row, 2]["identity"] == value[0]["ExternalDirectoryObjectId"]
        for row, value in made.items()
        if value
    )
    assert max(effects.values()) == 1


def test_retry_takes_over_what_the_failed_depend_on(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    text = (
        "rows: rows.csv\nsteps:\n"
        "  - {name: look, cmdlet: Get-Mailbox, parameters: {Identity: '${Name}'}}\n"
        "  - cmdlet: Set-Mailbox\n"
        "    parameters: {Identity: '${steps.look.Guid}', ForwardingAddress: '${Note}'}\n"
    )
    book(tmp_path, text, [[names[0], names[1]], [names[2], "r-later"]])
    run(tmp_path, tenant, 1)
    assert by_item(tmp_path / "out")[2, 2]["status"] == "failed"
    make = "rows: [{Name: r-later}]\ncmdlet: New-Mailbox\nparameters: {Name: '${Name}', Shared: true}\n"
    (tmp_path / "make.yaml").write_text(make)
    bulkexo("run", "make.yaml", "--out", "made", cwd=tmp_path, env=tenant.env).check(0)
    bulkexo("retry", "out", "--out", "again", cwd=tmp_path, env=tenant.env).check(0)
    (again,) = lines(tmp_path / "again")
    guid = by_item(tmp_path / "out")[2, 1]["value"][0]["Guid"]
    assert (again["row"], again["step"], again["status"], again["identity"]) == (2, 2, "succeeded", guid)


WAVES = """
rows: rows.csv
waves: [2, 50%, rest]
gate: {failures: 10%}
cmdlet: Set-Mailbox
parameters: {Identity: "${Name}", CustomAttribute1: "${Note}"}
"""


def test_a_gate_trips_and_the_run_goes_on_when_somebody_says_so(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    rows = [[name, tmp_path.name] for name in names[:8]]
    rows[3][0] = "nobody"
    book(tmp_path, WAVES, rows)
    done = run(tmp_path, tenant, 3)
    assert "Wave 1 of 3 has ended: 2 rows, none failed. Going on with wave 2 (4 rows)." in done.stderr
    assert "Wave 2 of 3 has ended: 4 rows, 1 failed or unknown. Its gate lets 10% fail." in done.stderr
    assert "Go on with it:   bulkexo resume out --approve" in done.stderr
    assert sorted(line["row"] for line in lines(tmp_path / "out")) == [1, 2, 3, 4, 5, 6]
    waves = document(tmp_path / "out")["waves"]
    assert (waves["bounds"], waves["passed"]) == ([2, 6, 8], 1)
    assert waves["waiting"] is not None
    tenant.journal()
    again = resume(tmp_path, tenant, 3)
    assert "Its gate lets 10% fail." in again.stderr
    assert tenant.journal() == []
    last = resume(tmp_path, tenant, 1, "--approve")
    assert "Complete: 8 items" in last.stderr
    assert document(tmp_path / "out")["waves"]["passed"] == 2
    refused = resume(tmp_path, tenant, 2, "--approve")
    assert "--approve is for a run that waits between two waves" in refused.stderr


def test_each_gate_wants_its_own_approval(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    book(tmp_path, WAVES.replace("failures: 10%", "approve: true"), [[name, "a"] for name in names[:8]])
    done = run(tmp_path, tenant, 3)
    assert "It waits for approval before wave 2 (4 rows)." in done.stderr
    assert len(lines(tmp_path / "out")) == 2
    assert "It waits for approval before wave 2" in resume(tmp_path, tenant, 3).stderr
    resume(tmp_path, tenant, 3, "--approve")
    assert len(lines(tmp_path / "out")) == 6
    resume(tmp_path, tenant, 0, "--approve")
    assert len(lines(tmp_path / "out")) == 8


def test_all_tenants_end_a_wave_before_one_begins_the_next(tmp_path: Path) -> None:
    one, two = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
    text = (
        "rows: rows.csv\ntenants: {column: Tenant}\nwaves: [25%, 50%, rest]\ngate: {failures: 0}\n"
        "cmdlet: New-Mailbox\nparameters: {Name: '${Name}', Shared: true}\n"
    )
    book(tmp_path, text, [[f"n{row}", one if row % 3 else two] for row in range(40)], ("Name", "Tenant"))
    options = f"--speed 20 --mailboxes 5 --tenant {two},seed=2,mailboxes=5"
    arguments = ("--out", "out", "--sandbox", "--sandbox-options", options)
    bulkexo("run", "job.yaml", *arguments, cwd=tmp_path).check(0)
    found = lines(tmp_path / "out")
    assert document(tmp_path / "out")["waves"]["bounds"] == [10, 30, 40]
    assert [{line["row"] > 10 for line in found[:10]}, {line["row"] > 30 for line in found[10:30]}] == [
        {False},
        {False},
    ]
    assert {line["tenant"] for line in found[:10]} == {one, two}
    starts = [datetime.fromisoformat(line["started"]) for line in found]
    ends = [
        start + timedelta(milliseconds=line["duration_ms"]) for start, line in zip(starts, found, strict=True)
    ]
    moment = timedelta(milliseconds=2)  # they are rounded
    assert min(starts[10:30]) >= max(ends[:10]) - moment
    assert min(starts[30:]) >= max(ends[10:30]) - moment


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
@pytest.mark.parametrize(("answer", "code", "count"), [("y", 0, 8), ("n", 3, 2), ("", 3, 2)])
def test_somebody_at_the_terminal_is_asked(
    tmp_path: Path, tenant: Pretend, names: list[str], answer: str, code: int, count: int
) -> None:
    """Who says nothing can still interrupt."""
    book(tmp_path, WAVES.replace("failures: 10%", "approve: true"), [[name, "t"] for name in names[:8]])
    ours, theirs = os.openpty()
    arguments = ("run", "job.yaml", "--out", "out", "--yes")
    process = start(*arguments, cwd=tmp_path, env=tenant.env, stdin=theirs, stderr=theirs)
    os.close(theirs)
    said, asked = b"", 0
    with contextlib.suppress(OSError):  # what Linux says at the end
        while more := os.read(ours, 1000):
            said += more
            if said.count(b"(4 rows)? [y/N]") + said.count(b"(2 rows)? [y/N]") > asked:
                asked += 1
                if answer:
                    os.write(ours, answer.encode() + b"\n")
                else:
                    process.send_signal(signal.SIGINT)
    os.close(ours)
    assert ended(process).code == code
    assert len(lines(tmp_path / "out")) == count
    assert b"Traceback" not in said


def test_a_pause_can_be_interrupted_and_counts_from_the_end_of_the_wave(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    book(tmp_path, WAVES.replace("failures: 10%", "pause: 1h"), [[name, "p"] for name in names[:8]])
    process = start("run", "job.yaml", "--out", "out", cwd=tmp_path, env=tenant.env)
    run_json = tmp_path / "out" / "run.json"
    until(lambda: run_json.exists() and json.loads(run_json.read_bytes())["waves"]["waiting"], process)
    process.send_signal(signal.SIGINT)
    assert "The run was interrupted." in ended(process).check(3).stderr
    assert len(lines(tmp_path / "out")) == 2
    found = json.loads(run_json.read_bytes())
    found["waves"]["waiting"] -= 3600
    found["waves"]["passed"] = 1  # and the second pause is over too, once its rows have ended
    run_json.write_text(json.dumps(found))
    resume(tmp_path, tenant, 0)
    assert len(lines(tmp_path / "out")) == 8


def test_outside_its_hours_a_run_rests_and_can_be_gone_on_with(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    opens = datetime.now(UTC) + timedelta(hours=2)
    window = f'window: {{from: "{opens:%H:%M}", to: "{opens + timedelta(minutes=5):%H:%M}", tz: UTC}}\n'
    book(tmp_path, window + WAVES, [[name, "w"] for name in names[:8]])
    checked = bulkexo("check", "job.yaml", cwd=tmp_path).check(0)
    assert "In 3 waves, of 2, 4, 2 rows." in checked.stderr
    assert f"In these hours: {opens:%H:%M} to " in checked.stderr
    process = start("run", "job.yaml", "--out", "out", cwd=tmp_path, env=tenant.env)
    assert process.stderr is not None
    while "resting until" not in (said := process.stderr.readline()):
        assert said
    assert f"{opens:%H:%M} UTC" in said
    process.send_signal(signal.SIGINT)
    ended(process).check(3)
    assert lines(tmp_path / "out") == []
    assert document(tmp_path / "out")["job"]["window"].endswith(" UTC")

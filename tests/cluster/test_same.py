"""The same job in one process and on a worker: the same results, the same files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.command import ended, lines, start

PASSWORD = "P@ss-w0rd-91"
JOB = f"""\
rows: [{{Alias: new.one, Team: A}}, {{Alias: new.two, Team: B}}, {{Alias: new.three, Team: A}}]
keep_before: true
steps:
  - name: create
    cmdlet: New-Mailbox
    parameters:
      Name: ${{Alias}}
      MicrosoftOnlineServicesID: ${{Alias}}@contoso.com
      Password: {PASSWORD}
  - name: first
    cmdlet: Set-Mailbox
    when: steps.create.RecipientTypeDetails == 'UserMailbox'
    parameters: {{Identity: "${{steps.create.ExternalDirectoryObjectId}}", CustomAttribute1: "${{Team}}"}}
  - name: again
    cmdlet: Set-Mailbox
    when: row.Team == 'A'
    parameters: {{Identity: "${{Alias}}@contoso.com", CustomAttribute2: "${{steps.create.Alias}}"}}
  - name: all
    cmdlet: Get-Mailbox
    parameters: {{ResultSize: Unlimited}}
    select: [Alias]
    keep: value.Alias == row.Alias
  - cmdlet: Set-Mailbox
    when: failed
    parameters: {{Identity: "${{Alias}}@contoso.com", CustomAttribute3: never}}
"""
PASSING = ("started", "duration_ms", "request_id", "attempts", "pages")


def test_the_same_results_and_files(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(JOB, encoding="utf-8")
    options = ("--sandbox", "--sandbox-options", "--mailboxes 300 --speed 100", "--yes", "--no-progress")
    here, there = (
        start("run", "job.yaml", *options, "--out", name, *more, cwd=tmp_path)
        for name, more in (("here", ()), ("there", ("--workers", "1")))
    )
    ended(here).check(0)
    done = ended(there).check(0)
    assert "15 items" in done.stderr
    assert told(tmp_path / "there") == told(tmp_path / "here")
    assert len(told(tmp_path / "there")) == 15
    assert {line["status"] for line in lines(tmp_path / "there")} == {"succeeded", "skipped"}
    before = [sorted(kept(tmp_path / name)) for name in ("here", "there")]
    assert before[0] == before[1]
    assert before[0]
    written = [path for path in (tmp_path / "there").iterdir() if path.is_file()]
    assert {path.name for path in written} == {path.name for path in (tmp_path / "here").iterdir()}
    for path in written:
        assert PASSWORD.encode() not in path.read_bytes()
    assert PASSWORD not in done.stderr


def told(run: Path) -> list[dict[str, Any]]:
    """The lines, without what differs from run to run, and of what was returned the names alone."""
    found = [{name: value for name, value in line.items() if name not in PASSING} for line in lines(run)]
    for line in found:
        line["value"] = [sorted(each) for each in line["value"]]
        if line["step"] == 2:
            line["identity"] = "by its GUID"
            line.pop("key")
    return sorted(found, key=lambda line: (line["row"], line["step"]))


def kept(run: Path) -> list[str]:
    text = (run / "before.ndjson").read_text(encoding="utf-8")
    found = [json.loads(line) for line in text.splitlines()]
    return [
        f"{line['row']} {line['step']} {line['twin']} {sorted(line.get('before') or ())}" for line in found
    ]

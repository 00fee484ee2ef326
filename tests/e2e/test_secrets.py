"""Secrets stand nowhere: not on the screen, not in a file of the run, not where the service quotes them."""

from __future__ import annotations

import html
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.e2e.collector import collecting
from tests.e2e.command import Ended, bulkexo, lines, value
from tests.e2e.files import document, table
from tests.e2e.pretend import Pretend
from tests.report.left import packed

PINS = ("Tr0ub4dor&3", 'a "b", c', "längerer Satz ß")


def job(folder: Path, names: list[str]) -> Path:
    """A job whose secrets come by a marked column, a marked parameter and a column's name."""
    rows = [[name, pin, pin[::-1], f"{pin} {pin}"] for name, pin in zip(names, PINS, strict=False)]
    table(folder / "rows.csv", ["Box", "Pin", "Hint", "Old password"], rows)
    content = {
        "rows": "rows.csv",
        "columns": {"Pin": {"secret": True}},
        "steps": [
            {
                "cmdlet": "Set-Mailbox",
                "parameters": {
                    "Identity": "${Box}",
                    "CustomAttribute1": "x${Pin}x",
                    "CustomAttribute2": "${Hint}",
                },
                "secret": ["CustomAttribute2"],
            },
            # Refused, and the service quotes what it refuses.
            {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Box}", "Type": "${Old password}"}},
        ],
    }
    return document(folder / "job.yaml", content)


def texts(path: Path) -> list[str]:
    """What stands in a file, unpacked."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return [html.unescape(book.read(name).decode()) for name in book.namelist()]
    if path.suffix == ".parquet":
        return [str(parquet.read_table(path).to_pylist())]
    return [path.read_text(encoding="utf-8-sig")]


def nowhere(folder: Path, done: Ended) -> None:
    """No secret, and no part of one that gives it away, in what the command wrote."""
    written = [text for path in folder.rglob("*") if path.is_file() for text in texts(path)]
    written += [str(packed(text)) for text in written if 'id="packed"' in text]
    for pin in PINS:
        for text in (pin, pin[::-1], pin.replace('"', '""'), pin.replace('"', '\\"')):
            for place in (done.stdout, done.stderr, *written):
                assert text not in place


def test_a_run(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    (tmp_path / "work").mkdir()
    arguments = ("run", job(tmp_path, names), "--out", "out", "--json", "--report")
    done = bulkexo(*arguments, cwd=tmp_path / "work", env=tenant.env).check(1)
    by_step = [(line["step"], line["status"]) for line in lines(tmp_path / "work" / "out")]
    assert sorted(by_step) == [(1, "succeeded")] * 3 + [(2, "failed")] * 3
    assert all(
        "***" in line["error"]["message"] for line in lines(tmp_path / "work" / "out") if line["error"]
    )
    held = tenant.get(names[:3])
    assert [(box["CustomAttribute1"], box["CustomAttribute2"]) for box in held] == [
        (f"x{pin}x", pin[::-1]) for pin in PINS
    ]
    nowhere(tmp_path / "work", done)


READS = """\
rows: rows.csv
columns: {Pin: {secret: true}}
compare_with: latest
keep_before: true
steps:
  - cmdlet: Set-Mailbox
    parameters: {Identity: "${Box}", CustomAttribute1: "x${Pin}x", CustomAttribute2: "${Hint}"}
    secret: [CustomAttribute2]
  - cmdlet: Get-Mailbox
    parameters: {Identity: "${Box}"}
    select: [Guid, UserPrincipalName, DisplayName]
  - cmdlet: Get-Mailbox          # what is returned has the cell, and not the text around it
    parameters: {Filter: "CustomAttribute1 -eq 'x${Pin}x'"}
    select: [Guid, CustomAttribute1]
  - cmdlet: Get-Mailbox          # refused, and the service quotes what it refuses
    parameters: {Identity: "${Old password}"}
"""


def test_what_comes_of_a_run(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    """Tables, changes, the log, spans and metrics, and what is told of a run later."""
    work = tmp_path / "work"
    work.mkdir()
    job(tmp_path, names)
    file = tmp_path / "reads.yaml"
    file.write_text(READS, encoding="utf-8")
    tables = ("csv", "xlsx", "parquet", "ndjson")
    with collecting() as collector:
        env = {**tenant.env, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        for out in ("first", "second"):
            exports = [part for end in tables for part in ("--export", f"{out}.{end}")]
            more = ("--report", "--json", "--telemetry", "--log-file", "log.txt", "--log-level", "debug")
            done = bulkexo("run", file, "--out", out, *exports, *more, cwd=work, env=env).check(1)
            nowhere(work, done)
            found = [line["value"] for line in lines(work / out) if line["step"] == 3]
            assert [[box["CustomAttribute1"] for box in value] for value in found] == [["x***x"]] * 3
    assert collector.spans and collector.metrics
    for pin in PINS:
        assert not [body for body in collector.bodies if pin.encode() in body or pin[::-1].encode() in body]
    for arguments in (
        ("status", "second", "--json"),
        ("report", "second", "--all-items", "--out", "all.html"),
        ("export", "second", "--to", "outcomes.csv", "--what", "outcomes", "--plain"),
        ("undo", "second", "--out", "undo.yaml"),
    ):
        nowhere(work, bulkexo(*arguments, cwd=work, env=tenant.env))


LATER = """\
rows: rows.csv
order: file
batch_size: 1
keep_before: true
steps:
  - cmdlet: Set-Mailbox
    parameters: {Identity: "${Box}", CustomAttribute1: "x${Pin}x"}
    secret: [CustomAttribute1]
  - cmdlet: Get-Mailbox          # names no secret, and returns one
    parameters: {Identity: "${Box}"}
    select: [UserPrincipalName, CustomAttribute1]
  - cmdlet: Get-Mailbox          # a list, in pages
    select: [UserPrincipalName, CustomAttribute1]
    parameters: {}
  - cmdlet: Set-Mailbox          # what there was before it stands in before.ndjson
    parameters: {Identity: "${Box}", CustomAttribute1: plain, Office: elsewhere}
"""


def later(folder: Path, names: Sequence[str], others: Sequence[str], content: str) -> Path:
    """A job of this content, whose rows name a mailbox, a secret for it, and another mailbox."""
    table(folder / "rows.csv", ["Box", "Pin", "Other"], zip(names, PINS, others, strict=False))
    path = folder / "later.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def test_what_one_item_wrote_and_a_later_one_reads(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    """In results, pages, what was before, tables, changes and reports; nor does undo put a mark there."""
    work = tmp_path / "work"
    work.mkdir()
    job = later(tmp_path, names, names, LATER)
    bulkexo("run", job, "--out", "0", cwd=tmp_path, env=tenant.env).check(0)  # nothing is left of other tests
    for out in ("first", "second"):
        more = ("--out", out, "--export", f"{out}.csv", "--compare-with", "latest", "--report", "--json")
        nowhere(work, bulkexo("run", job, *more, cwd=work, env=tenant.env).check(0))
    by_item = {(line["row"], line["step"]): line for line in lines(work / "second")}
    assert [by_item[row, 2]["value"][0]["CustomAttribute1"] for row in (1, 2, 3)] == ["***"] * 3
    listed = {each["UserPrincipalName"]: each for each in value(work / "second", by_item[3, 3])}
    assert [listed[name]["CustomAttribute1"] for name in names[:3]] == ["plain", "plain", "***"]
    done = bulkexo("undo", "../0", "--out", "undo.ndjson", cwd=work, env=tenant.env).check(0)
    nowhere(work, done)
    undo = (work / "undo.ndjson").read_text(encoding="utf-8")
    assert '"Office"' in undo
    assert "***" not in undo
    assert "kept nowhere" in (work / "undo-left-out.csv").read_text(encoding="utf-8-sig")


def test_what_a_process_wrote_and_the_next_one_reads(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    content = LATER.partition("  - cmdlet: Get-Mailbox")[0]
    content += '  - {cmdlet: Get-Mailbox, parameters: {Identity: "${Other}"}, select: [CustomAttribute1]}\n'
    job = later(tmp_path, names, ["nobody@contoso.com", names[0]], content)
    bulkexo("run", job, "--max-failures", "1", "--out", "out", cwd=work, env=tenant.env).check(3)
    done = bulkexo("resume", "out", "--max-failures", "50%", cwd=work, env=tenant.env).check(1)
    nowhere(work, done)
    assert lines(work / "out")[-1]["value"] == [{"CustomAttribute1": "***"}]


@pytest.mark.parametrize("arguments", [("run", "--dry-run"), ("check",)])
def test_a_rehearsal(tmp_path: Path, names: list[str], arguments: tuple[str, ...]) -> None:
    (tmp_path / "work").mkdir()
    file = job(tmp_path, names)
    nowhere(tmp_path / "work", bulkexo(*arguments, file, cwd=tmp_path / "work").check(0))


def test_failed_rows_with_secrets_ask_for_them_again(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    arguments = ("run", job(tmp_path, names), "--out", "out")
    bulkexo(*arguments, cwd=tmp_path, env=tenant.env).check(1)
    done = bulkexo("check", "out/failed.csv", "--cmdlet", "Set-Mailbox", cwd=tmp_path).check(2)
    assert "stands where a run left out a secret. Put the value in again." in done.stderr


def test_a_password_goes_encrypted_and_stands_nowhere(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    (tmp_path / "work").mkdir()
    rows = [[name, pin] for name, pin in zip(names, PINS, strict=False)]
    file = table(tmp_path / "job.csv", ["Identity", "Password"], rows)
    env = {**tenant.env, "XDG_CACHE_HOME": str(tmp_path / "work"), "BULKEXO_DEBUG": "1"}
    arguments = ("run", file, "--cmdlet", "Set-Mailbox", "--out", "out")
    done = bulkexo(*arguments, cwd=tmp_path / "work", env=env).check(0)  # the service opens what it gets
    nowhere(tmp_path / "work", done)
    assert "<RSAKeyValue>" in (tmp_path / "work" / "bulkexo" / "keys.json").read_text(encoding="utf-8")


def test_no_secret_as_an_argument(tmp_path: Path, names: list[str]) -> None:
    file = table(tmp_path / "job.csv", ["Identity"], [[names[0]]])
    arguments = ("--cmdlet", "Set-Mailbox", "--set", f"Password={PINS[0]}")
    done = bulkexo("run", file, *arguments, cwd=tmp_path).check(2)
    assert "Secrets are not given on the command line" in done.stderr
    assert PINS[0] not in done.stderr


def test_the_client_secret(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], [[names[0], "v"]])
    env = {**tenant.env, "BULKEXO_DEBUG": "1"}
    done = bulkexo("run", file, "--cmdlet", "Set-Mailbox", "--out", "out", cwd=tmp_path, env=env).check(0)
    written = [path.read_text(encoding="utf-8-sig") for path in (tmp_path / "out").iterdir()]
    assert len(written) >= 3
    assert not [text for text in (done.stderr, *written) if tenant.said["client_secret"] in text]

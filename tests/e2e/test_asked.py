"""Jobs whose rows a cmdlet names: asked first, checked as a whole, gone on with from the answer."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, document, ended, lines, start, statuses, until
from tests.e2e.files import document as yaml_file
from tests.e2e.files import read_back
from tests.e2e.pretend import Pretend, pretend

BOXES = 1200
PAGE_BY_PAGE = ("--batch-size", "1", "--rate", "0.5")
"""Two seconds between a page and the next."""


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant of two pages."""
    with pretend(tmp_path_factory.mktemp("tenant"), f"--mailboxes {BOXES} --speed 50") as running:
        yield running


def job(folder: Path, rows: dict[str, Any] | None = None, **parameters: Any) -> Path:
    """A mark on every mailbox that the rows name."""
    shared = {"cmdlet": "Get-Mailbox", "parameters": {"RecipientTypeDetails": "SharedMailbox"}}
    asked = rows or {**shared, "select": ["UserPrincipalName", "Alias"]}
    marked = {"Identity": "${UserPrincipalName}", "CustomAttribute5": folder.name, **parameters}
    return yaml_file(folder / "job.yaml", {"rows": asked, "cmdlet": "Set-Mailbox", "parameters": marked})


EVERYBODY = {"cmdlet": "Get-Mailbox", "select": "UserPrincipalName"}


def test_all_that_the_question_names_and_no_other_is_changed(tmp_path: Path, tenant: Pretend) -> None:
    tenant.journal()
    done = bulkexo("run", job(tmp_path), "--out", "out", "--json", cwd=tmp_path, env=tenant.env).check(0)
    boxes = tenant.everything()
    shared = {box["UserPrincipalName"] for box in boxes if box["RecipientTypeDetails"] == "SharedMailbox"}
    assert 0 < len(shared) < BOXES
    assert {box["UserPrincipalName"] for box in boxes if box["CustomAttribute5"] == tmp_path.name} == shared
    assert done.summary["items"] == len(shared)
    assert f"{len(shared):,} rows, {len(shared):,} items (" in done.stderr
    found = document(tmp_path / "out")
    assert found["job"]["rows"]["asked"]["cmdlet"] == "Get-Mailbox"
    assert found["job"]["columns"] == ["UserPrincipalName", "Alias"]


def test_rows_of_several_pages(tmp_path: Path, tenant: Pretend) -> None:
    bulkexo("run", job(tmp_path, EVERYBODY), "--out", "out", cwd=tmp_path, env=tenant.env).check(0)
    assert len(statuses(tmp_path / "out")) == BOXES
    assert {box["CustomAttribute5"] for box in tenant.everything()} == {tmp_path.name}


def test_a_row_that_cannot_be_sends_nothing(tmp_path: Path, tenant: Pretend) -> None:
    """No mailbox has such an attribute, so that there is no Identity."""
    tenant.journal()
    rows = {**EVERYBODY, "select": ["UserPrincipalName", "CustomAttribute15"]}
    path = job(tmp_path, rows, Identity="${CustomAttribute15}")
    done = bulkexo("run", path, "--out", "out", cwd=tmp_path, env=tenant.env).check(2)
    assert "rows.ndjson, line 1: Set-Mailbox needs an Identity" in done.stderr
    assert [effect for effect in tenant.journal() if effect["changed"]] == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"Filter": "CustomAttribute15 -eq 'nobody has this'"}, "no objects, so the job has no rows"),
        ({"Identity": "nobody@contoso.com"}, "Get-Mailbox failed. The operation couldn't be performed"),
    ],
)
def test_a_question_without_rows(
    tmp_path: Path, tenant: Pretend, parameters: dict[str, str], words: str
) -> None:
    path = job(tmp_path, {**EVERYBODY, "parameters": parameters})
    done = bulkexo("run", path, "--out", "out", cwd=tmp_path, env=tenant.env).check(2)
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_check_and_dry_run_send_nothing(tmp_path: Path) -> None:
    nowhere = {"BULKEXO_ENDPOINT": "https://localhost:1", "BULKEXO_TENANT": "contoso.onmicrosoft.com"}
    done = bulkexo("check", job(tmp_path), cwd=tmp_path, env=nowhere).check(0)
    assert "its rows are asked for when it runs (Get-Mailbox)" in done.stderr
    done = bulkexo("run", job(tmp_path), "--dry-run", cwd=tmp_path, env=nowhere).check(0)
    assert json.loads(done.stdout)["CmdletInput"]["CmdletName"] == "Get-Mailbox"
    assert "InvokeCommand?$select=UserPrincipalName,Alias" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_run_ended_while_its_rows_are_read_asks_anew(tmp_path: Path, tenant: Pretend, name: str) -> None:
    run, path = tmp_path / "out", job(tmp_path, EVERYBODY)
    process = start("run", path, "--out", run, *PAGE_BY_PAGE, cwd=tmp_path, env=tenant.env)
    until(lambda: (run / "rows.ndjson").exists() and (run / "rows.ndjson").stat().st_size, process)
    process.send_signal(getattr(signal, name))
    _, said = process.communicate()
    if name == "SIGINT":
        assert process.returncode == 3
        assert "interrupted while its rows were read. Go on with it: bulkexo resume" in said
        assert json.loads((run / "run.json").read_bytes())["state"] == "stopped"
    bulkexo("resume", run, "--rate", "1000", "--batch-size", "10", cwd=tmp_path, env=tenant.env).check(0)
    assert len(statuses(run)) == BOXES
    assert document(run)["state"] == "complete"


def test_a_run_killed_later_goes_on_with_the_rows_it_has(tmp_path: Path, tenant: Pretend) -> None:
    run = tmp_path / "out"
    process = start("run", job(tmp_path), "--out", run, "--rate", "20", cwd=tmp_path, env=tenant.env)
    until(lambda: lines(run), process)
    process.kill()
    process.communicate()
    rows = (run / "rows.ndjson").stat()
    assert statuses(run)
    moved = run.rename(tmp_path / "moved")
    bulkexo("resume", moved, "--rate", "1000", cwd=tmp_path, env=tenant.env).check(0)
    assert (moved / "rows.ndjson").stat().st_mtime_ns == rows.st_mtime_ns
    assert len(statuses(moved)) == (moved / "rows.ndjson").read_bytes().count(b"\n")

    with (moved / "rows.ndjson").open("a") as file:
        file.write('{"UserPrincipalName":"one@more"}\n')
    done = bulkexo("resume", moved, cwd=tmp_path, env=tenant.env).check(2)
    assert "rows.ndjson changed since the run began" in done.stderr


def test_what_failed_is_run_again_from_the_rows_of_the_run(tmp_path: Path, tenant: Pretend) -> None:
    path = job(tmp_path, Identity="not ${UserPrincipalName}")
    bulkexo("run", path, "--out", "out", "--max-failures", "100%", cwd=tmp_path, env=tenant.env).check(1)
    rows = (tmp_path / "out" / "rows.ndjson").read_bytes()
    failed = read_back(tmp_path / "out" / "failed.csv")
    assert set(failed[0]) == {"UserPrincipalName", "Alias", "Error"}
    bulkexo("retry", "out", "--out", "again", cwd=tmp_path, env=tenant.env).check(1)
    assert (tmp_path / "again" / "rows.ndjson").read_bytes() == rows
    assert len(statuses(tmp_path / "again")) == len(failed) == rows.count(b"\n")


def test_interrupted_while_signing_in_nothing_is_left(tmp_path: Path, tenant: Pretend) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {**tenant.env, "BULKEXO_AUTHORITY": f"https://localhost:{silent.getsockname()[1]}"}
        process = start("run", job(tmp_path), "--out", "out", cwd=tmp_path, env=env)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        with connection:
            ended(process).check(3)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
@pytest.mark.parametrize("answer", ["n", "y"])
def test_a_person_is_asked_once_it_is_known_how_many_rows_there_are(
    tmp_path: Path, tenant: Pretend, answer: str
) -> None:
    tenant.journal()
    ours, theirs = os.openpty()
    arguments = ("run", job(tmp_path), "--out", "out", "--no-progress")
    process = start(*arguments, cwd=tmp_path, env=tenant.env, stdin=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"Go on?" not in said:
        said += os.read(ours, 1000)
    assert b"Set-Mailbox) will be sent to" in said
    assert not tenant.journal()
    os.write(ours, answer.encode() + b"\n")
    with contextlib.suppress(OSError):  # what Linux says at the end
        while os.read(ours, 1000):
            pass
    os.close(ours)
    assert ended(process).code == (0 if answer == "y" else 2)
    assert bool([effect for effect in tenant.journal() if effect["changed"]]) == (answer == "y")
    assert (tmp_path / "out").exists() == (answer == "y")


def test_each_tenant_of_a_list_is_asked_for_its_own(tmp_path: Path) -> None:
    one, two = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
    path = job(tmp_path)
    path.write_text(path.read_text() + f"tenants: [{one}, {two}]\n")
    options = f"--speed 50 --mailboxes 300 --tenant {two},seed=2,mailboxes=100"
    arguments = ("--out", "out", "--sandbox", "--sandbox-options", options)
    bulkexo("run", path, *arguments, cwd=tmp_path).check(0)
    counted = [
        (tmp_path / "out" / name).read_bytes().count(b"\n") for name in ("rows.ndjson", "rows-2.ndjson")
    ]
    found = [line["tenant"] for line in lines(tmp_path / "out")]
    assert [found.count(one), found.count(two)] == counted
    assert min(counted) > 0

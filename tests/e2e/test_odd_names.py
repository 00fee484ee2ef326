"""Files that are none, names that are no text, and what cannot be a tenant or a token."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.command import bulkexo, document
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

SET = ("--cmdlet", "Set-Mailbox")
LONG = "a" * 5000


def job(path: Path, name: str) -> Path:
    """A job of one row."""
    return table(path, ["Identity", "CustomAttribute1"], [[name, path.parent.name]])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.csv", "There is no such file."),
        ("missing", "There is no such file."),
        ("folder", "This is a folder, not a file."),
        (".", "This is a folder, not a file."),
        ("folder.csv", "This is a folder, not a file."),
        ("notes.txt", "Jobs of this kind (.txt) are not read."),
        ("empty.csv", "The file is empty."),
        ("empty.yaml", "The file is empty."),
        ("head.csv", "The job has no rows."),
        ("noise.csv", "There is a NUL byte here"),
        ("noise.yaml", "There is a NUL byte here"),
        (f"{LONG}.csv", "File name too long"),
        (LONG, "File name too long"),
    ],
)
def test_what_is_no_job(tmp_path: Path, tenant: Pretend, name: str, words: str) -> None:
    for folder in ("folder", "folder.csv"):
        (tmp_path / folder).mkdir()
    for empty in ("empty.csv", "empty.yaml", "notes.txt"):
        (tmp_path / empty).touch()
    (tmp_path / "head.csv").write_text("Identity,CustomAttribute1\n", encoding="utf-8")
    for noise in ("noise.csv", "noise.yaml"):
        (tmp_path / noise).write_bytes(bytes(range(256)) * 20)
    before = tenant.stats()
    done = bulkexo("run", name, *SET, cwd=tmp_path, env=tenant.env).check(2)
    assert words in done.stderr
    assert done.stderr.startswith("The job cannot run (")
    assert done.stdout == ""
    assert tenant.stats() == before
    assert not (tmp_path / "runs").exists()


def test_names_that_are_no_text(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    file = tmp_path / os.fsdecode(b"j\xff.csv")
    try:
        job(file, names[0])
    except OSError:
        pytest.skip("this file system takes text only")
    done = bulkexo("run", file.name, *SET, "--json", cwd=tmp_path, env=tenant.env).check(0)
    (run,) = (tmp_path / "runs").iterdir()
    assert done.summary["run"].startswith("runs/j\\udcff-")
    assert document(run)["job"]["path"]
    arguments = ("--out", os.fsdecode(b"o\xff"), "--order", "none")
    bulkexo("run", file.name, *SET, *arguments, cwd=tmp_path, env=tenant.env).check(0)
    assert document(tmp_path / os.fsdecode(b"o\xff"))["state"] == "complete"


@pytest.mark.parametrize("given", ["a/b", "contoso.onmicrosoft.com\nX-Evil: 1", "größe.example", "..", "-"])
def test_what_is_no_tenant(tmp_path: Path, tenant: Pretend, names: list[str], given: str) -> None:
    env = {**tenant.env, "BULKEXO_TENANT": given}
    done = bulkexo("run", job(tmp_path / "job.csv", names[0]), *SET, cwd=tmp_path, env=env).check(2)
    assert "Give the initial domain, such as contoso.onmicrosoft.com, or the tenant's GUID." in done.stderr


@pytest.mark.parametrize("given", ["a\nX-Evil: 1", "größe", " \n"])
@pytest.mark.parametrize("way", ["environment", "file"])
def test_what_is_no_token(tmp_path: Path, tenant: Pretend, names: list[str], given: str, way: str) -> None:
    file = tmp_path / "token"
    file.write_text(given, encoding="utf-8")
    env = {**tenant.env, **({"BULKEXO_TOKEN": given} if way == "environment" else {})}
    more = () if way == "environment" else ("--token-file", "token")
    arguments = ("run", job(tmp_path / "job.csv", names[0]), *SET, "--out", "out", *more)
    done = bulkexo(*arguments, cwd=tmp_path, env=env).check(4)
    assert "does not hold a token." in done.stderr
    assert not (tmp_path / "out").exists()

"""Each exit code, with its words on stderr and nothing on stdout that was not asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import bulkexo, document, lines
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

SET = ("--cmdlet", "Set-Mailbox")


def job(folder: Path, *identities: str) -> Path:
    """A job that gives each an attribute."""
    rows = [[identity, f"v {identity}"] for identity in identities]
    return table(folder / "job.csv", ["Identity", "CustomAttribute1"], rows)


def untouched(tenant: Pretend) -> bool:
    """Whether nothing has taken effect since this was asked last."""
    return not tenant.journal()


def test_0_when_every_item_succeeded(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    done = bulkexo("run", job(tmp_path, *names[:25]), *SET, cwd=tmp_path, env=tenant.env).check(0)
    assert done.stdout == ""
    assert "Complete: 25 items" in done.stderr
    assert "25 succeeded, 0 failed." in done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert document(run)["state"] == "complete"
    assert str(run.relative_to(tmp_path) / "results.ndjson") in done.stderr
    assert len(tenant.journal()) == 25


def test_1_when_some_failed(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    file = job(tmp_path, *names[:3], "nobody@contoso.com")
    done = bulkexo("run", file, *SET, "--json", "--out", "out", cwd=tmp_path, env=tenant.env).check(1)
    assert {key: done.summary[key] for key in ("state", "exit_code", "items", "failed", "run")} == {
        "state": "complete",
        "exit_code": 1,
        "items": 4,
        "failed": 1,
        "run": "out",
    }
    assert done.summary["failures"][0]["type"].endswith("ManagementObjectNotFoundException")
    assert "(row 4, nobody@contoso.com)" in done.stderr
    assert "bulkexo retry out" in done.stderr


@pytest.mark.parametrize("command", ["run", "check"])
def test_2_when_the_job_is_wrong(tmp_path: Path, tenant: Pretend, names: list[str], command: str) -> None:
    rows = [[name, f"{number}", "maybe"] for number, name in enumerate(names[:30])]
    file = table(
        tmp_path / "job.csv", ["Identity", "CustomAttribute1", "HiddenFromAddressListsEnabled"], rows
    )
    tenant.journal()
    before = tenant.stats()
    done = bulkexo(command, file, *SET, cwd=tmp_path, env=tenant.env).check(2)
    assert done.stdout == ""
    told = done.stderr.splitlines()
    assert told[0] == "The job cannot run (30 problems); nothing was sent."
    assert [line for line in told if "maybe" in line] == told[1:21]
    assert "job.csv, line 2, column HiddenFromAddressListsEnabled" in told[1]
    assert told[21:] == ["  … and 10 more."]
    assert tenant.stats() == before
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rate", "quick", "--batch-size", "11"), ("--rate: 'quick'", "--batch-size: '11'")),
        (("--nonsense",), ("No such option", "--nonsense")),
        (("--endpoint", "http://outlook.example"), ("--endpoint", "not https")),
        (("--ca-file", "missing.pem"), ("CA file missing.pem", "No such file")),
        (("--ca-file", "job.csv"), ("CA file job.csv", "no certificate is in it")),
        (("--token-file", "job.csv", "--ca-file", "missing.pem"), ("CA file missing.pem", "No such file")),
        (("--out", "job.csv"), ("run folder job.csv cannot be made",)),
    ],
)
def test_2_when_the_command_line_is_wrong(
    tmp_path: Path, tenant: Pretend, names: list[str], arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    tenant.journal()
    file = job(tmp_path, names[0])
    done = bulkexo("run", file.name, *SET, *arguments, cwd=tmp_path, env=tenant.env).check(2)
    assert done.stdout == ""
    assert all(word in done.stderr for word in words), done.stderr
    assert untouched(tenant)
    assert sorted(path.name for path in tmp_path.glob("**/*")) in (["job.csv"], ["job.csv", "runs"])


def test_2_when_the_folder_holds_a_run(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    file = job(tmp_path, names[0])
    bulkexo("run", file, *SET, "--out", "out", cwd=tmp_path, env=tenant.env).check(0)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    tenant.journal()
    done = bulkexo("run", file, *SET, "--out", "out", cwd=tmp_path, env=tenant.env).check(2)
    assert "bulkexo resume out" in done.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert untouched(tenant)


def test_2_when_there_is_no_way_to_sign_in(tmp_path: Path) -> None:
    done = bulkexo("run", job(tmp_path, "ada@contoso.com"), *SET, cwd=tmp_path).check(2)
    assert "give --tenant, --client-id, and --certificate or BULKEXO_CLIENT_SECRET" in done.stderr
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("it's", "a quote in it's is not closed"),
        ("--help", "something else than to serve"),
        ("--list-mailboxes - --mailboxes 5000", "something else than to serve"),
        ("--nonsense", "No such option"),
        ("--faults missing.yaml", "missing.yaml"),
        ("--app-certificate missing.crt", "No such file or directory (missing.crt)"),
    ],
)
def test_2_when_the_sandbox_does_not_start(tmp_path: Path, options: str, words: str) -> None:
    file = job(tmp_path, "ada@contoso.com")
    done = bulkexo("run", file, *SET, "--sandbox", "--sandbox-options", options, cwd=tmp_path).check(2)
    assert words in done.stderr
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize("limit", ["5", "5%"])
def test_3_when_too_many_failed(tmp_path: Path, tenant: Pretend, names: list[str], limit: str) -> None:
    identities = [
        f"nobody{number}@contoso.com" if number % 10 == 0 else names[number] for number in range(400)
    ]
    arguments = ("--max-failures", limit, "--json", "--out", "out", "--concurrency", "1")
    file = job(tmp_path, *identities)
    done = bulkexo("run", file, *SET, *arguments, cwd=tmp_path, env=tenant.env).check(3)
    found = document(tmp_path / "out")
    assert found["state"] == done.summary["state"] == "stopped"
    assert "--max-failures" in found["reason"]
    # One batch of ten holds one failure; a share counts from 100 items on.
    assert done.summary["ended"] == {"5": 50, "5%": 100}[limit]
    assert "Stopped before the end." in done.stderr
    assert f"{400 - done.summary['ended']} have no line in the results" in done.stderr
    assert sorted(line["row"] for line in lines(tmp_path / "out")) == list(
        range(1, done.summary["ended"] + 1)
    )


def test_4_when_the_secret_is_wrong(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    env = {**tenant.env, "BULKEXO_CLIENT_SECRET": "not-the-secret"}
    before = tenant.stats()
    done = bulkexo("run", job(tmp_path, names[0]), *SET, "--out", "out", cwd=tmp_path, env=env).check(4)
    assert done.stdout == ""
    assert "AADSTS7000215" in done.stderr
    assert "use its value, not its id" in done.stderr
    assert "not-the-secret" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert tenant.stats() == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"BULKEXO_TENANT": "fabrikam.onmicrosoft.com"}, "There is no such tenant"),
        ({"BULKEXO_CLIENT_ID": "00000000-0000-0000-0000-000000000000"}, "AADSTS700016"),
        (
            {"BULKEXO_CA_FILE": ""},
            "is not trusted (unable to get local issuer certificate). Name its CA with",
        ),
        (
            {"BULKEXO_AUTHORITY": "https://localhost:1"},
            "https://localhost:1 was not reached (Connection refused).",
        ),
    ],
)
def test_4_when_signing_in_fails(
    tmp_path: Path, tenant: Pretend, names: list[str], changed: dict[str, str], words: str
) -> None:
    env = {**tenant.env, **changed}
    done = bulkexo("run", job(tmp_path, names[0]), *SET, "--out", "out", cwd=tmp_path, env=env).check(4)
    assert words in done.stderr
    assert not (tmp_path / "out").exists()

"""Signing in: msal on a real authority, what it trusts, and tokens that end or change during a run."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from pathlib import Path

import pytest

from bulkexo.model import SignInUnreachableError
from bulkexo.net.identity import apps, http
from tests.e2e.command import bulkexo, document, ended, lines, start, statuses, until
from tests.e2e.files import table
from tests.e2e.pretend import Pretend, pretend

SET = ("--cmdlet", "Set-Mailbox")


def app(authority: str, tenant: Pretend) -> apps.App:
    """The sandbox's app, as a run makes it."""
    return apps.App(
        authority=authority,
        tenant=tenant.said["tenant"],
        client_id=tenant.said["client_id"],
        credential=apps.secret(lambda: tenant.said["client_secret"]),
        scope=f"{tenant.said['endpoint']}/.default",
        ca_file=Path(tenant.said["ca_file"]),
    )


def job(folder: Path, names: list[str]) -> Path:
    """A job that gives each an attribute."""
    return table(folder / "job.csv", ["Identity", "CustomAttribute2"], [[name, "v"] for name in names])


def test_the_ca_file_counts_whatever_requests_finds_in_the_environment(
    tenant: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, "/nowhere/ca.pem")
    assert app(tenant.said["authority"], tenant).fetch("", anew=False).text.count(".") == 2


def test_an_authority_that_never_answers_is_not_waited_for_for_ever(
    tenant: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SIGN_IN_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        authority = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SignInUnreachableError, match=r"was not reached \(.*timed out.*\)\. Check"):
            app(authority, tenant).fetch("", anew=False)


def test_a_run_outlives_its_tokens(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 130 --token-lifetime 3 --latency 0.3,0") as tenant:
        names = [str(mailbox["UserPrincipalName"]) for mailbox in tenant.everything()]
        arguments = ("--out", "out", "--concurrency", "1", "--batch-size", "10")
        bulkexo("run", job(tmp_path, names), *SET, *arguments, cwd=tmp_path, env=tenant.env).check(0)
        assert statuses(tmp_path / "out") == dict.fromkeys(range(1, 131), "succeeded")
        assert {line["attempts"] for line in lines(tmp_path / "out")} == {1}
        assert len(tenant.journal()) == 130
        assert tenant.stats()["tokens_issued"] > 2  # one of them is ours


def test_a_token_from_the_environment(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    env = {**tenant.env, "BULKEXO_CLIENT_SECRET": "", "BULKEXO_TENANT": "", "BULKEXO_TOKEN": tenant.token()}
    bulkexo("run", job(tmp_path, names[:5]), *SET, "--out", "out", cwd=tmp_path, env=env).check(0)
    assert env["BULKEXO_TOKEN"] not in (tmp_path / "out" / "run.json").read_text(encoding="utf-8")
    (who,) = document(tmp_path / "out")["signed_in"]
    said = {"tenant_id": tenant.said["tenant_id"], "app": tenant.said["client_id"]}
    assert {name: who[name] for name in who if name != "at"} == said


@pytest.mark.parametrize("both", [True, False])
def test_a_token_for_one_service_is_not_sent_to_the_other(
    tmp_path: Path, tenant: Pretend, names: list[str], both: bool
) -> None:
    env = {**tenant.env, "BULKEXO_CLIENT_SECRET": "", "BULKEXO_TENANT": "", "BULKEXO_TOKEN": tenant.token()}
    cmdlets = ["Set-Mailbox", "Get-ComplianceCase"] if both else ["Get-ComplianceCase"]
    file = table(tmp_path / "job.csv", ["Cmdlet", "Identity"], [[cmdlet, names[0]] for cmdlet in cmdlets])
    before = tenant.stats()
    done = bulkexo("run", file, "--out", "out", cwd=tmp_path, env=env).check(4)
    assert f"The token is for {tenant.said['endpoint']}, and the job goes to" in done.stderr
    assert tenant.said["compliance"] in done.stderr
    assert "Nothing was sent" in done.stderr
    assert tenant.stats() == before
    assert not (tmp_path / "out").exists()


def test_a_token_that_ends_stops_the_run_with_4(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    env = {**tenant.env, "BULKEXO_TOKEN": "e30.e30.e30"}
    done = bulkexo("run", job(tmp_path, names[:5]), *SET, "--out", "out", cwd=tmp_path, env=env).check(4)
    assert "refuses the token of BULKEXO_TOKEN" in done.stderr
    assert "5 have no line in the results" in done.stderr
    found = document(tmp_path / "out")
    assert (found["state"], found["counts"]["ended"]) == ("stopped", 0)


def hand_over(text: str, path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the path, a pipe, is read; give the text, and put a new pipe there for the next reading."""
    opened: list[int] = []

    def read() -> bool:
        with contextlib.suppress(OSError):  # nobody reads it now
            opened.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return bool(opened)

    until(read, process)
    with os.fdopen(opened[0], "w", encoding="utf-8") as pipe:
        pipe.write(text)
        os.mkfifo(path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)


def test_a_token_file_is_read_again_when_the_token_is_refused(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    file = tmp_path / "token"
    os.mkfifo(file)  # a reading waits for its token, so that no time has to be met
    arguments = ("--token-file", file, "--out", "out", "--concurrency", "3")
    tenant.journal()
    process = start("run", job(tmp_path, names[:60]), *SET, *arguments, cwd=tmp_path, env=tenant.env)
    hand_over("e30.e30.e30", file, process)
    hand_over(tenant.token() + "\n", file, process)
    ended(process).check(0)
    assert set(statuses(tmp_path / "out").values()) <= {"succeeded", "unchanged"}
    assert {line["attempts"] for line in lines(tmp_path / "out")} == {1}
    assert len(tenant.journal()) == 60


@pytest.mark.parametrize(
    ("lacking", "code", "words", "left"),
    [
        ("--no-consent", 4, "AADSTS65001", 0),
        ("--missing app-role", 4, "does not hold Exchange.ManageAsApp", 0),
        ("--missing directory-role", 3, "An app needs a directory role", 20),
    ],
)
def test_what_an_app_can_lack(tmp_path: Path, lacking: str, code: int, words: str, left: int) -> None:
    """No consent: no token. No app role: 401. No directory role: 403 for each, so the run stops."""
    with pretend(tmp_path / "tenant", f"--mailboxes 50 --speed 50 {lacking}") as tenant:
        file = job(tmp_path, [f"nobody-{row}@contoso.com" for row in range(200)])
        arguments = (*SET, "--out", "out", "--concurrency", "1", "--batch-size", "10")
        done = bulkexo("run", file, *arguments, cwd=tmp_path, env=tenant.env).check(code)
    assert words in done.stderr
    assert len(lines(tmp_path / "out")) == left

"""`bulkexo sandbox` as a process: its line of JSON, its words, its end."""

from __future__ import annotations

import csv
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from click.testing import CliRunner

from bulkexo.cli.sandbox import sandbox
from bulkexo.sandbox.people import People

COMMAND = [sys.executable, "-c", "from bulkexo.cli.sandbox import sandbox; sandbox()", "--mailboxes", "50"]


@contextmanager
def process(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "BULKEXO_SANDBOX_SECRET": "known", "TMPDIR": str(folder), "TEMP": str(folder)},
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def test_one_line_of_json_and_words_for_people(tmp_path: Path) -> None:
    with process(tmp_path, "--json", "--stop-with-stdin", "--ca-file", str(tmp_path / "ca.pem")) as started:
        assert started.stdout is not None
        said = json.loads(started.stdout.readline())
        assert said["endpoint"] == said["authority"]
        assert said["endpoint"].startswith("https://localhost:")
        assert said["compliance"].startswith("https://localhost:")
        assert said["compliance"] != said["endpoint"]
        assert said["tenant"] == "contoso.onmicrosoft.com"
        assert said["client_secret"] == "known"
        assert said["ca_file"] == str(tmp_path / "ca.pem")
        assert (tmp_path / "ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
        out, words = started.communicate("", timeout=10)
        assert started.returncode == 0
        assert out == ""
        assert "with 50 mailboxes and 10 groups" in words
        for name in (
            "ENDPOINT",
            "COMPLIANCE_ENDPOINT",
            "AUTHORITY",
            "CA_FILE",
            "TENANT",
            "CLIENT_ID",
            "CLIENT_SECRET",
        ):
            assert f"BULKEXO_{name}" in words


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    with process(tmp_path, "--json") as started:
        assert started.stdout is not None
        folder = Path(json.loads(started.stdout.readline())["ca_file"]).parent
        assert sorted(path.name for path in folder.iterdir()) == ["ca.pem"]
        started.send_signal(number)
        assert started.wait(timeout=10) == 0
        assert not folder.exists()


def _post(said: dict[str, str], path: str, content: str, headers: dict[str, str]) -> bytes:
    context = ssl.create_default_context(cafile=said["ca_file"])
    connection = http.client.HTTPSConnection(urlsplit(said["endpoint"]).netloc, context=context, timeout=10)
    with closing(connection):
        connection.request("POST", path, content, headers)
        return connection.getresponse().read()


def test_the_journal_survives_a_kill(tmp_path: Path) -> None:
    journal, ca_file = tmp_path / "journal.ndjson", tmp_path / "ca.pem"
    with process(
        tmp_path, "--json", "--latency", "0", "--journal", str(journal), "--ca-file", str(ca_file)
    ) as started:
        assert started.stdout is not None
        said = json.loads(started.stdout.readline())
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": said["client_id"],
                "client_secret": said["client_secret"],
                "scope": "https://outlook.office365.com/.default",
            }
        )
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        token = json.loads(_post(said, f"/{said['tenant']}/oauth2/v2.0/token", form, kind))["access_token"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        parameters = {"Identity": "mailbox1@contoso.onmicrosoft.com", "CustomAttribute1": "kept"}
        body = json.dumps({"CmdletInput": {"CmdletName": "Set-Mailbox", "Parameters": parameters}})
        _post(said, f"/adminapi/beta/{said['tenant']}/InvokeCommand", body, headers)
        started.kill()
        started.wait(timeout=10)
    (line,) = journal.read_text().splitlines()
    assert json.loads(line)["parameters"] == parameters


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--faults", "nowhere.yaml"], "The faults file 'nowhere.yaml' cannot be read: No such file"),
        (["--latency", "fast"], "The latency 'fast' is not understood"),
        (["--allowance", "0"], "write cmdlets per second"),
        (["--budget", "1"], "write RECHARGE,CUTOFF"),
        (["--domain", "here"], "is not a domain"),
        (["--faults", "2000"], "more than 1,000 per mille"),
        (["--journal", "no/such/folder/x.ndjson"], "The sandbox cannot start: "),
    ],
)
def test_what_is_not_understood_is_a_sentence(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(sandbox, arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize("content", ["cut-befor: 5\n", "[1\n", "- 1\n"])
def test_faults_files_are_checked(content: str, tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(content)
    assert CliRunner().invoke(sandbox, ["--faults", str(file)]).exit_code == 2


def test_mailboxes_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    assert CliRunner().invoke(sandbox, ["--mailboxes", "120", "--list-mailboxes", str(file)]).exit_code == 0
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == 120
    people = People(1, 120, "contoso.onmicrosoft.com")
    assert [row["UserPrincipalName"] for row in rows] == [
        people.mailbox(number)["UserPrincipalName"] for number in range(1, 121)
    ]
    assert rows[2]["DisplayName"] == "Zofia Lovelace"
    assert {"Alias", "Department", "RecipientTypeDetails"} <= rows[0].keys()
    printed = CliRunner().invoke(sandbox, ["--mailboxes", "1", "--list-mailboxes", "-"])
    assert printed.output.splitlines()[1].startswith("sven.haddad1@contoso.com,shaddad1,Sven Haddad")


def test_help_is_instant() -> None:
    heavy = ("aiohttp", "cryptography", "yaml", "anyio")
    code = f"import sys, bulkexo.cli.sandbox; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"

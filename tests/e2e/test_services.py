"""Whole runs through every door: Security & Compliance, v2.0, the REST-only cmdlets, encrypted passwords."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.e2e.command import Ended, bulkexo, lines
from tests.e2e.files import document, people, table
from tests.e2e.pretend import Pretend, pretend

REST_ONLY = (
    "Get-EXOMailbox",
    "Get-EXORecipient",
    "Get-EXOCasMailbox",
    "Get-EXOMailboxStatistics",
    "Get-EXOMailboxPermission",
    "Get-EXOMailboxFolderStatistics",
    "Get-EXOMailboxFolderPermission",
    "Get-EXORecipientPermission",
    "Get-EXOMobileDeviceStatistics",
)


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrivals") / "arrivals.ndjson"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, arrivals: Path) -> Iterator[Pretend]:
    """A quick tenant that notes what comes."""
    with pretend(
        tmp_path_factory.mktemp("tenant"), f"--mailboxes 1500 --speed 50 --arrivals {arrivals}"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    return people(tenant)


def run(folder: Path, tenant: Pretend, file: Path, *more: str, code: int = 0) -> Ended:
    return bulkexo("run", file, "--out", "out", *more, cwd=folder, env=tenant.env).check(code)


def test_security_and_compliance_by_way_of_its_region(tmp_path: Path, tenant: Pretend) -> None:
    steps = [
        {"cmdlet": "New-ComplianceSearch", "parameters": {"Name": "${Name}", "ContentMatchQuery": "x"}},
        {"cmdlet": "Get-ComplianceSearch", "parameters": {"Identity": "${Name}"}},
        {"cmdlet": "Get-Mailbox", "parameters": {"ResultSize": 1}},
    ]
    rows = [{"Name": f"search {number}"} for number in range(25)]
    before = tenant.stats().get("redirected", 0)
    run(tmp_path, tenant, document(tmp_path / "job.yaml", {"rows": rows, "steps": steps}))
    found = lines(tmp_path / "out")
    assert [line["status"] for line in found] == ["succeeded"] * 75
    assert {line["attempts"] for line in found} == {1}
    assert {line["value"][0]["Name"] for line in found if line["step"] == 2} == {row["Name"] for row in rows}
    assert tenant.stats()["redirected"] > before


def test_a_cmdlet_of_both_services_goes_where_the_job_says(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    job = {"cmdlet": "Get-Recipient", "parameters": {"Identity": names[0]}, "api": "compliance"}
    before = tenant.stats().get("redirected", 0)
    run(tmp_path, tenant, document(tmp_path / "job.yaml", job), code=1)  # the pretend one does not run it
    assert tenant.stats()["redirected"] > before


def test_v2(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    steps = [
        {
            "cmdlet": "Set-Mailbox",
            "parameters": {"Identity": "${Who}", "GrantSendOnBehalfTo": {"Add": [names[0]]}},
        },
        {"cmdlet": "Get-Mailbox", "parameters": {"Identity": "${Who}"}, "select": "GrantSendOnBehalfTo"},
    ]
    rows = [{"Who": name} for name in names[1:13]]
    job = {"rows": rows, "steps": steps, "api": "v2.0"}
    run(tmp_path, tenant, document(tmp_path / "job.yaml", job))
    found = lines(tmp_path / "out")
    assert [line["status"] for line in found] == ["succeeded"] * 24
    assert all(len(line["value"][0]["GrantSendOnBehalfTo"]) == 1 for line in found if line["step"] == 2)


def test_v2_in_pages(tmp_path: Path, tenant: Pretend) -> None:
    job = {
        "cmdlet": "Get-Mailbox",
        "parameters": {"ResultSize": "Unlimited"},
        "select": "Alias",
        "api": "v2.0",
    }
    run(tmp_path, tenant, document(tmp_path / "job.yaml", job))
    assert len(pages(tmp_path / "out")) == 1500


def test_each_rest_only_cmdlet(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    rows = [
        [cmdlet, "" if "Device" in cmdlet else name + (":\\Calendar" if "FolderPerm" in cmdlet else ""),
         name if "Device" in cmdlet else ""]
        for cmdlet in REST_ONLY
        for name in names[:6]
    ]  # fmt: skip
    file = table(tmp_path / "job.csv", ["Cmdlet", "Identity", "Mailbox"], rows)
    run(tmp_path, tenant, file)
    found = lines(tmp_path / "out")
    assert [line["status"] for line in found] == ["succeeded"] * 54
    assert {line["cmdlet"] for line in found if line["value"]} == set(REST_ONLY)
    by_twin = [
        line["cmdlet"] for line in found if any("was run as" in warning for warning in line["warnings"])
    ]
    assert by_twin == ["Get-EXOMailboxFolderPermission"] * 6


def test_a_list_by_get_in_pages_with_properties(tmp_path: Path, tenant: Pretend) -> None:
    job = {"cmdlet": "Get-EXOMailbox", "parameters": {"Filter": "Alias -ne 'nobody'"}, "select": "Alias,Guid"}
    run(tmp_path, tenant, document(tmp_path / "job.yaml", job))
    found = pages(tmp_path / "out")
    assert len(found) == 1500
    assert {tuple(sorted(each)) for each in found} == {("Alias", "Guid")}


def test_an_awkward_identity_is_found(tmp_path: Path, tenant: Pretend) -> None:
    shown = Counter(str(box["DisplayName"]) for box in tenant.everything())
    name = next(each for each, count in shown.items() if count == 1 and not each.isascii() and " " in each)
    job = {"cmdlet": "Get-EXOMailbox", "parameters": {"Identity": name}, "select": "DisplayName"}
    run(tmp_path, tenant, document(tmp_path / "job.yaml", job))
    (line,) = lines(tmp_path / "out")
    assert line["value"] == [{"DisplayName": name}]


def test_a_twin_is_told_by_check_and_by_the_item(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "Archive"], [[names[0], "false"]])
    told = bulkexo("check", file, "--cmdlet", "Get-EXOMailbox", cwd=tmp_path).check(0)
    assert "Get-EXOMailbox is run as Get-Mailbox: how the service reads -Archive is not known." in told.stderr
    run(tmp_path, tenant, file, "--cmdlet", "Get-EXOMailbox")
    (line,) = lines(tmp_path / "out")
    assert line["warnings"] == [
        "Get-EXOMailbox was run as Get-Mailbox: how the service reads -Archive is not known."
    ]
    assert line["value"][0]["UserPrincipalName"] == names[0]


def test_custom_routing_goes_alone(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    rows = [[name, "true"] for name in names[:5]]
    file = table(tmp_path / "job.csv", ["Identity", "UseCustomRouting"], rows)
    before = tenant.stats()
    run(tmp_path, tenant, file, "--cmdlet", "Get-MailboxStatistics")
    assert [line["status"] for line in lines(tmp_path / "out")] == ["succeeded"] * 5
    after = tenant.stats()
    for figure in ("batches", "misrouted_items"):
        assert after.get(figure, 0) == before.get(figure, 0)


def test_passwords_survive_a_key_that_is_rotated(tmp_path: Path) -> None:
    """Twice, so that the one that was kept opens nothing any more."""
    with pretend(tmp_path / "tenant", "--mailboxes 50 --speed 50") as tenant:
        for number in range(2):
            rows = [
                [f"new{number}{each}", f"new{number}{each}@contoso.onmicrosoft.com", "hunter2!"]
                for each in "abc"
            ]
            file = table(tmp_path / "job.csv", ["Name", "MicrosoftOnlineServicesID", "Password"], rows)
            out = tmp_path / f"out{number}"
            done = bulkexo(
                "run", file, "--out", out, "--cmdlet", "New-Mailbox", cwd=tmp_path, env=tenant.env
            ).check(0)
            assert [line["status"] for line in lines(out)] == ["succeeded"] * 3
            assert {line["attempts"] for line in lines(out)} == {1}
            written = [path.read_text(encoding="utf-8-sig") for path in out.iterdir()]
            assert not any("hunter2" in text for text in (done.stderr, *written))
            assert tenant.stats().get("items_failed", 0) == 3 * number
            for _ in range(2):
                tenant.steer("keys/rotate")


def test_replies_in_clixml_are_as_plain_as_those_in_json(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    file = table(tmp_path / "job.csv", ["Identity"], [[name] for name in [*names[:12], "nobody@x.y"]])
    found = {}
    for wanted in ("json", "clixml"):
        more = (
            "--cmdlet",
            "Get-Mailbox",
            "--response-format",
            wanted,
            "--select",
            "Alias,Guid,EmailAddresses",
        )
        bulkexo("run", file, "--out", wanted, *more, cwd=tmp_path, env=tenant.env).check(1)
        found[wanted] = {line["row"]: (line["status"], line["value"]) for line in lines(tmp_path / wanted)}
    assert found["clixml"] == found["json"]
    assert found["clixml"][1][1][0]["Alias"]


class Keyless(BaseHTTPRequestHandler):
    """A service that has no key for anybody."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Silence."""


def test_without_the_key_nothing_is_sent(tmp_path: Path) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "Password"], [["ada", "hunter2!"]])
    with HTTPServer(("127.0.0.1", 0), Keyless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {
            "BULKEXO_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "BULKEXO_TOKEN": "token",
            "BULKEXO_TENANT": "contoso.onmicrosoft.com",
        }
        arguments = ("run", file, "--cmdlet", "Set-Mailbox", "--out", "out")
        done = bulkexo(*arguments, cwd=tmp_path, env=env).check(2)
        server.shutdown()
    assert "which go encrypted only" in done.stderr
    assert "hunter2" not in done.stderr
    assert Keyless.asked == ["GET /AdminApi/v1.0/contoso.onmicrosoft.com/EXOModuleFile"]
    assert not (tmp_path / "out" / "run.json").exists()


def pages(run_folder: Path) -> list[dict[str, Any]]:
    """All objects that a run's one item returned, in its pages file or in its line."""
    (line,) = lines(run_folder)
    assert line["status"] == "succeeded", line
    files = list((run_folder / "pages").glob("*.ndjson")) if (run_folder / "pages").is_dir() else []
    if not files:
        found = line["value"]
        assert isinstance(found, list)
        return found
    return [json.loads(text) for text in files[0].read_text(encoding="utf-8").splitlines()]

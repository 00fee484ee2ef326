"""Each way to sign in, by Microsoft's own msal, against the sandbox's authority."""

from __future__ import annotations

import html
import re
import shutil
import socket
import threading
import time
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
import requests

from bulkexo.connection import Auth, Connection
from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.net.identity import Secrets, source_of
from bulkexo.wire.hosts import scope
from bulkexo.wire.token import bearer
from tests.e2e.pretend import Pretend, pretend

ADA = "ada@contoso.onmicrosoft.com"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant whose app has a certificate and a federated credential, and where Ada is at hand."""
    folder = tmp_path_factory.mktemp("ways")
    app = f"--credentials {folder / 'app'} --managed-identity"
    options = f"--mailboxes 60 --speed 50 {app} --device-interval 1 --approve-devices {ADA}"
    with pretend(folder, options) as running:
        yield running


@dataclass
class Ada:
    """Somebody at the terminal. shown: what she was told; asked: what for; answer: what she types."""

    answer: str = ""
    shown: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return self.answer

    def tell(self, text: str) -> None:
        self.shown.append(text)


def connection(there: Pretend, **more: Any) -> Connection:
    """To the tenant, as its app unless said otherwise."""
    said = there.said
    given = {"tenant": said["tenant"], "client_id": said["client_id"], **more}
    return Connection(
        endpoint=said["endpoint"],
        compliance=said["endpoint"],
        authority=said["authority"],
        ca_file=Path(said["ca_file"]),
        **given,
    )


def files(tenant: Pretend) -> dict[str, str]:
    """The app's files."""
    found: dict[str, str] = tenant.said["credentials"]  # type: ignore[assignment]
    return found


def token(tenant: Pretend, there: Connection, secrets: Secrets) -> str:
    """A token of the connection's, that the service accepts."""
    found = source_of(there, scope(there.endpoint), secrets).fetch("", anew=False)
    assert found.lifetime is not None
    assert 3500 < found.lifetime <= 3600
    assert tenant.lets_in(found.text) == 200
    return found.text


APPS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "PEM": ("certificate", {"certificate": "pem"}, {}),
    "PEM with a passphrase": (
        "certificate",
        {"certificate": "encrypted_pem"},
        {"BULKEXO_CERTIFICATE_PASSPHRASE": "passphrase"},
    ),
    "PFX": ("certificate", {"certificate": "open_pfx"}, {}),
    "PFX with a passphrase": (
        "certificate",
        {"certificate": "pfx"},
        {"BULKEXO_CERTIFICATE_PASSPHRASE": "passphrase"},
    ),
    "a certificate before a secret": (
        "certificate",
        {"certificate": "pem"},
        {"BULKEXO_CLIENT_SECRET": "wrong"},
    ),
    "an assertion": ("federated", {"federated_token_file": "federated_token"}, {}),
}


@pytest.mark.parametrize(("way", "paths", "environment"), APPS.values(), ids=list(APPS))
def test_an_app(tenant: Pretend, way: str, paths: dict[str, str], environment: dict[str, str]) -> None:
    before = tenant.stats().get(f"tokens_by_client_{way}", 0)
    given = {option: Path(files(tenant)[name]) for option, name in paths.items()}
    meant = {name: files(tenant).get(value, value) for name, value in environment.items()}
    token(tenant, connection(tenant, **given), Secrets(meant))
    assert tenant.stats()[f"tokens_by_client_{way}"] == before + 1


@pytest.mark.parametrize("name", ["encrypted_pem", "pfx"])
def test_a_passphrase_from_a_file_or_from_somebody_at_the_terminal(
    tenant: Pretend, tmp_path: Path, name: str
) -> None:
    path = Path(files(tenant)[name])
    file = tmp_path / "passphrase"
    file.write_text(files(tenant)["passphrase"] + "\n", encoding="utf-8")
    there = connection(tenant, certificate=path)
    token(tenant, replace(there, certificate_passphrase_file=file), Secrets())
    person = Ada(files(tenant)["passphrase"])
    secrets = Secrets({}, person)
    for _ in range(2):  # for a second service, say
        token(tenant, there, secrets)
    assert person.asked == [f"Passphrase of {path}: "]


def test_a_secret_from_the_environment_or_a_file(tenant: Pretend, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(tenant.said["client_secret"] + "\r\n", encoding="utf-8")
    token(tenant, connection(tenant), Secrets({"BULKEXO_CLIENT_SECRET": tenant.said["client_secret"]}))
    token(tenant, connection(tenant, client_secret_file=file), Secrets())


def test_a_pod_with_workload_identity(tenant: Pretend, tmp_path: Path) -> None:
    """Nothing but its environment; and the file is read again for each sign-in."""
    file = tmp_path / "assertion"
    shutil.copy(files(tenant)["federated_token"], file)
    environment = {
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
        "AZURE_CLIENT_ID": tenant.said["client_id"],
        "AZURE_TENANT_ID": tenant.said["tenant_id"],
    }
    there = connection(tenant, tenant=None, client_id=None)
    source = source_of(there, scope(there.endpoint), Secrets(environment))
    assert tenant.lets_in(source.fetch("", anew=False).text) == 200
    file.write_text("e30.e30.e30", encoding="utf-8")
    with pytest.raises(SignInError, match="AADSTS") as caught:
        source.fetch("", anew=True)
    assert "e30.e30" not in str(caught.value)
    shutil.copy(files(tenant)["federated_token"], file)
    assert tenant.lets_in(source.fetch("", anew=True).text) == 200


def test_another_apps_certificate(tenant: Pretend, tmp_path: Path) -> None:
    with pretend(tmp_path / "other", f"--mailboxes 5 --credentials {tmp_path / 'app'}") as other:
        path = Path(files(other)["pem"])
    there = connection(tenant, certificate=path)
    with pytest.raises(SignInError, match=r"AADSTS700027.*not the app's"):
        source_of(there, scope(there.endpoint), Secrets()).fetch("", anew=False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"client_id": "00000000-0000-0000-0000-00000000dead"}, "AADSTS700016.*--client-id"),
        ({"tenant": "elsewhere.onmicrosoft.com"}, "no such tenant.*--tenant"),
    ],
)
def test_the_wrong_app_or_tenant(tenant: Pretend, given: dict[str, str], words: str) -> None:
    there = connection(tenant, **given)
    secrets = Secrets({"BULKEXO_CLIENT_SECRET": tenant.said["client_secret"]})
    with pytest.raises(SignInError, match=words):
        source_of(there, scope(there.endpoint), secrets).fetch("", anew=False)


def test_somebody_else_than_the_one_who_was_meant(tenant: Pretend) -> None:
    """Nobody runs a job as another; and who has signed in by mistake is not kept."""
    there = connection(tenant, client_id=None, auth=Auth.DEVICE_CODE, account="bob@contoso.onmicrosoft.com")
    secrets = Secrets({}, Ada())
    with pytest.raises(SignInError, match=f"{ADA} has signed in, and bob"):
        source_of(there, scope(there.endpoint), secrets).fetch("", anew=False)
    anybody = source_of(replace(there, account=None), scope(there.endpoint), replace(secrets, person=None))
    with pytest.raises(SignInError, match="Nobody is signed in"):
        anybody.fetch("", anew=False)


@dataclass
class Themselves(Ada):
    """Somebody who enters the code that is shown. upn: their name."""

    tenant: Pretend | None = None
    upn: str = ""

    def tell(self, text: str) -> None:
        assert self.tenant is not None
        code = re.findall(r"code (\S+)", text)[0]
        approve = f"{self.tenant.said['authority']}/sandbox/device/approve"
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                approve,
                json={"user_code": code, "upn": self.upn},
                verify=self.tenant.said["ca_file"],
                timeout=30,
            )
        assert answer.status_code == 200


def test_of_several_people_the_one_who_is_named(tmp_path: Path) -> None:
    bob = ADA.replace("ada", "bob")
    with pretend(tmp_path, "--mailboxes 5 --device-interval 1") as tenant:
        anybody = connection(tenant, client_id=None, auth=Auth.DEVICE_CODE)
        sessions = Secrets().sessions
        for upn in (ADA, bob):
            secrets = Secrets({}, Themselves(tenant=tenant, upn=upn), sessions)
            source_of(replace(anybody, account=upn), scope(anybody.endpoint), secrets).fetch("", anew=False)
        with pytest.raises(SignInError, match=rf"--account who \({ADA}, {bob}\)"):
            source_of(anybody, scope(anybody.endpoint), Secrets({}, None, sessions)).fetch("", anew=False)
        for upn in (ADA, bob):
            source = source_of(
                replace(anybody, account=upn.upper()), scope(anybody.endpoint), Secrets({}, None, sessions)
            )
            assert bearer(source.fetch("", anew=True).text).upn == upn


@pytest.mark.parametrize("named", [True, False])
def test_a_person_by_a_code_and_from_then_on_silently(tenant: Pretend, named: bool) -> None:
    """Also for a second service, and where the token tells the tenant."""
    person = Ada()
    secrets = Secrets({}, person)
    there = connection(tenant, client_id=None, auth=Auth.DEVICE_CODE)
    if not named:
        there = replace(there, tenant=None)
    source = source_of(there, scope(there.endpoint), secrets)
    first = source.fetch("", anew=False)
    assert tenant.lets_in(first.text) == 200
    (shown,) = person.shown
    assert "/sandbox/device" in shown
    second = source.fetch("", anew=True)
    assert second.text != first.text
    assert tenant.lets_in(second.text) == 200
    assert source_of(there, "https://compliance.test/.default", secrets).fetch("", anew=False).text
    assert len(person.shown) == 1


def test_nobody_is_asked_where_nobody_is(tenant: Pretend) -> None:
    for auth in (Auth.DEVICE_CODE, Auth.BROWSER):
        there = connection(tenant, client_id=None, auth=auth)
        source = source_of(there, scope(there.endpoint), Secrets())
        began = time.monotonic()
        with pytest.raises(SignInError, match=r"Nobody is signed in to .*bulkexo login"):
            source.fetch("", anew=False)
        assert time.monotonic() - began < 30


class Browser(webbrowser.BaseBrowser):
    """Goes where it is sent, and presses the button of the form that is shown there."""

    def __init__(self, ca_file: str) -> None:
        super().__init__("of the test")
        self._ca_file = ca_file
        self.went: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.went.append(url)
        threading.Thread(target=self._go, args=(url,), daemon=True).start()
        return True

    def _go(self, url: str) -> None:
        with requests.Session() as session:
            session.trust_env = False
            page = session.get(url, verify=self._ca_file, timeout=30).text
            action = html.unescape(re.findall(r'action="([^"]+)"', page)[0])
            fields = re.findall(r'name="([^"]+)" value="([^"]*)"', page)
            session.post(action, {name: html.unescape(value) for name, value in fields}, timeout=30)


def test_a_person_in_the_browser(tenant: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, person = Browser(tenant.said["ca_file"]), Ada()
    monkeypatch.setattr(webbrowser, "open", browser.open)
    there = connection(tenant, client_id=None, auth=Auth.BROWSER, account=ADA)
    source = source_of(there, scope(there.endpoint), Secrets({}, person))
    first = source.fetch("", anew=False)
    assert tenant.lets_in(first.text) == 200
    second = source.fetch("", anew=True)
    assert second.text != first.text
    assert tenant.lets_in(second.text) == 200
    (went,) = browser.went
    assert f"login_hint={quote(ADA, safe='')}" in went
    assert person.shown == ["Sign in in the browser window that opens now."]


@pytest.mark.parametrize("assigned", [False, True], ids=["the machine's own", "assigned to it"])
@pytest.mark.parametrize("place", ["machine", "app service"])
def test_a_managed_identity(
    tenant: Pretend, monkeypatch: pytest.MonkeyPatch, place: str, assigned: bool
) -> None:
    azure = cast("dict[str, str]", tenant.said["managed_identity"])
    if place == "machine":
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure["imds"])
    else:
        monkeypatch.setenv("IDENTITY_ENDPOINT", azure["app_service"])
        monkeypatch.setenv("IDENTITY_HEADER", azure["identity_header"])
    client = azure["client_id"] if assigned else None
    there = connection(tenant, auth=Auth.MANAGED_IDENTITY, tenant=None, client_id=client)
    text = token(tenant, there, Secrets())
    assert (bearer(text).app == azure["client_id"]) == assigned
    assert bearer(text).tenant == tenant.said["tenant_id"]
    source = source_of(there, scope(there.endpoint), Secrets())
    texts = [source.fetch("", anew=anew).text for anew in (False, False, True)]
    assert texts[0] == texts[1] != texts[2]


def test_a_managed_identity_that_is_not_there(tenant: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    azure = cast("dict[str, str]", tenant.said["managed_identity"])
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure["imds"])
    there = connection(tenant, auth=Auth.MANAGED_IDENTITY, client_id="00000000-0000-0000-0000-00000000dead")
    with pytest.raises(SignInError, match="not found"):
        source_of(there, scope(there.endpoint), Secrets()).fetch("", anew=False)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{gone.getsockname()[1]}")
    with pytest.raises(SignInUnreachableError, match="Is this an Azure machine"):
        source_of(there, scope(there.endpoint), Secrets()).fetch("", anew=False)

"""Which way to sign in the options mean, and what is said where they mean none or two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkexo.connection import Auth, Connection
from bulkexo.model import SignInError, UsageError
from bulkexo.net.identity import Secrets, source_of, way
from bulkexo.net.identity.apps import App
from bulkexo.net.identity.managed import ManagedIdentity
from bulkexo.net.identity.people import People
from bulkexo.net.identity.ready import FileToken, FixedToken
from bulkexo.net.tokens import Keeper, Token

pytestmark = pytest.mark.anyio

TENANT = "contoso.onmicrosoft.com"
SCOPE = "https://service.test/.default"
EMPTY = Connection(
    endpoint="https://service.test", compliance="https://ps.test", authority="https://login.test"
)
APP = replace(EMPTY, tenant=TENANT, client_id="the-app")
TOKEN_IN_FILE = {"token_file": Path("token")}
CERTIFICATE = {"certificate": Path("app.pem")}
FEDERATED = {"federated_token_file": Path("assertion")}
TOKEN = {"BULKEXO_TOKEN": "abc"}
SECRET = {"BULKEXO_CLIENT_SECRET": "s"}
POD = {"AZURE_FEDERATED_TOKEN_FILE": "/var/run/token", "AZURE_CLIENT_ID": "pod", "AZURE_TENANT_ID": TENANT}


@pytest.mark.parametrize(
    ("options", "environment", "meant"),
    [
        (TOKEN_IN_FILE, {}, Auth.TOKEN),
        (TOKEN_IN_FILE, TOKEN | SECRET, Auth.TOKEN),
        ({}, TOKEN, Auth.TOKEN),
        ({}, TOKEN | SECRET, Auth.TOKEN),
        (CERTIFICATE, {}, Auth.CERTIFICATE),
        (CERTIFICATE, SECRET, Auth.CERTIFICATE),
        (CERTIFICATE, SECRET | POD, Auth.CERTIFICATE),
        (FEDERATED, SECRET, Auth.FEDERATED),
        ({}, POD, Auth.FEDERATED),
        ({}, SECRET | POD, Auth.SECRET),
        ({"client_secret_file": Path("secret")}, {}, Auth.SECRET),
        ({"auth": Auth.BROWSER}, SECRET, Auth.BROWSER),
        ({"auth": Auth.SECRET} | CERTIFICATE, SECRET, Auth.SECRET),
        ({"auth": Auth.CERTIFICATE} | CERTIFICATE | TOKEN_IN_FILE, TOKEN, Auth.CERTIFICATE),
    ],
)
def test_which_way(options: dict[str, Any], environment: dict[str, str], meant: Auth) -> None:
    assert way(replace(APP, **options), Secrets(environment)) is meant


@pytest.mark.parametrize(
    ("options", "environment", "names"),
    [
        (TOKEN_IN_FILE | CERTIFICATE, {}, ["--token-file", "--certificate"]),
        (CERTIFICATE, TOKEN, ["BULKEXO_TOKEN", "--certificate"]),
        (CERTIFICATE | FEDERATED, {}, ["--certificate", "--federated-token-file"]),
    ],
)
def test_two_ways_at_once_are_refused(
    options: dict[str, Any], environment: dict[str, str], names: list[str]
) -> None:
    with pytest.raises(UsageError, match="--auth") as caught:
        way(replace(APP, **options), Secrets(environment))
    assert all(name in str(caught.value) for name in names)


def test_no_way_at_all_is_told_with_all_that_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        way(APP, Secrets())
    for name in ("--certificate", "BULKEXO_CLIENT_SECRET", "BULKEXO_TOKEN", "--auth", "--sandbox"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("connection", "environment", "missing"),
    [
        (replace(EMPTY, auth=Auth.TOKEN), {}, ["BULKEXO_TOKEN", "--token-file"]),
        (EMPTY, SECRET, ["--tenant", "--client-id"]),
        (replace(EMPTY, tenant=TENANT), SECRET, ["--client-id"]),
        (replace(EMPTY, client_id="id"), SECRET, ["--tenant"]),
        (replace(APP, auth=Auth.SECRET), {}, ["BULKEXO_CLIENT_SECRET"]),
        (replace(APP, auth=Auth.CERTIFICATE), SECRET, ["--certificate"]),
        (replace(EMPTY, **CERTIFICATE), {}, ["--tenant", "--client-id"]),  # type: ignore[arg-type]
        (replace(APP, auth=Auth.FEDERATED), {}, ["--federated-token-file"]),
    ],
)
def test_what_is_missing_is_named_and_nothing_else(
    connection: Connection, environment: dict[str, str], missing: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        source_of(connection, SCOPE, Secrets(environment))
    for name in (
        "--tenant",
        "--client-id",
        "--certificate",
        "BULKEXO_CLIENT_SECRET",
        "--federated-token-file",
    ):
        assert (name in str(caught.value)) == (name in missing), name


def test_each_way_is_a_source_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "assertion"
    file.write_text("a.b.c", encoding="utf-8")
    for connection, environment, kind in (
        (replace(EMPTY, token_file=file), TOKEN, FileToken),
        (EMPTY, TOKEN, FixedToken),
        (APP, SECRET, App),
        (replace(APP, federated_token_file=file), {}, App),
        (EMPTY, POD | {"AZURE_FEDERATED_TOKEN_FILE": str(file)}, App),
        (replace(EMPTY, auth=Auth.MANAGED_IDENTITY), {}, ManagedIdentity),
        (replace(EMPTY, auth=Auth.DEVICE_CODE), {}, People),
        (replace(EMPTY, auth=Auth.BROWSER), {}, People),
    ):
        assert type(source_of(connection, SCOPE, Secrets(environment))) is kind


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
@pytest.mark.parametrize("option", ["client_secret_file", "federated_token_file"])
def test_a_file_without_what_it_should_hold(tmp_path: Path, option: str, content: bytes | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SignInError, match=str(path)):
        source_of(replace(APP, **{option: path}), SCOPE, Secrets())  # type: ignore[arg-type]


def test_secrets_are_not_shown_by_whoever_holds_them() -> None:
    secrets = Secrets({"BULKEXO_CLIENT_SECRET": "Sesam-1"})
    secrets.answers["Passphrase: "] = "Sesam-2"
    shown = f"{secrets!r} {source_of(APP, SCOPE, secrets)!r} {FixedToken('Sesam-3')!r} {Token('Sesam-4')!r}"
    assert "Sesam" not in shown


async def test_a_fixed_token_serves_until_it_is_refused() -> None:
    keeper = Keeper(FixedToken("abc"), lambda: 0.0)
    assert await keeper.current() == "abc"
    with pytest.raises(SignInError, match="BULKEXO_TOKEN") as caught:
        await keeper.renew("abc", "")
    assert caught.value.exit_code == 4
    assert "--token-file" in str(caught.value)


async def test_a_token_file_is_read_again_when_its_token_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    keeper = Keeper(FileToken(path), lambda: 0.0)
    assert await keeper.current() == "first"
    path.write_bytes(b"\xef\xbb\xbf second \r\n")
    assert await keeper.current() == "first"
    assert await keeper.renew("first", "") == "second"
    with pytest.raises(SignInError):
        await keeper.renew("second", "")


@pytest.mark.parametrize("content", [None, b"", b" \n", b"a\nb", "tök".encode(), b"\xff\xfe", b"a\x00b"])
def test_a_token_file_without_a_token(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SignInError, match="token file") as caught:
        FileToken(path).fetch("", anew=False)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["abc\n", " abc ", "\tabc\r\n"])
def test_blanks_around_a_token_are_not_the_token(text: str) -> None:
    """A line break in a header would end the run with a traceback."""
    assert source_of(EMPTY, SCOPE, Secrets({"BULKEXO_TOKEN": text})).fetch("", anew=False) == Token("abc")


@pytest.mark.parametrize("text", ["a\nb", "tök", "a\x00"])
def test_a_token_that_no_header_can_carry_is_refused_in_words(text: str) -> None:
    with pytest.raises(SignInError, match="BULKEXO_TOKEN"):
        source_of(EMPTY, SCOPE, Secrets({"BULKEXO_TOKEN": text})).fetch("", anew=False)

"""The sign-in of a sandbox that is a process: what it announces, and that no input breaks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.cli.sandbox import sandbox
from bulkexo.sandbox import jws
from bulkexo.sandbox.aadsts import KINDS, refusal
from bulkexo.sandbox.authority import DEVICE_CODE, Authority, TokenRequest
from bulkexo.sandbox.browser import usable, wrong
from bulkexo.sandbox.options import CLIENT_ID, PUBLIC_CLIENT, SandboxOptions, parse_tenant
from bulkexo.sandbox.proof import JWT_BEARER
from tests.sandbox.helpers import running
from tests.sandbox.signing_in import accepted, claims_of, codes, options, public, scope


def test_the_files_are_announced(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bulkexo", "sandbox", "--mailboxes", "1", "--json", "--stop-with-stdin"]
    more = ["--credentials", str(tmp_path / "app"), "--managed-identity"]
    started = subprocess.Popen(
        [*command, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "BULKEXO_SANDBOX_PASSPHRASE": "open sesame"},
    )
    with started:
        assert started.stdout is not None
        said = json.loads(started.stdout.readline())
        _, words = started.communicate("", timeout=20)
    assert started.returncode == 0
    assert "open sesame" not in words
    files = said["credentials"]
    assert files["passphrase"] == "open sesame"
    key, certificate, _ = pkcs12.load_key_and_certificates(Path(files["pfx"]).read_bytes(), b"open sesame")
    assert key is not None
    assert certificate is not None
    for name in ("pem", "encrypted_pem", "open_pfx", "certificate", "federated_token"):
        assert Path(files[name]).parent == tmp_path / "app"
        assert Path(files[name]).exists()
    assert said["public_client_id"] == PUBLIC_CLIENT
    assert said["managed_identity"]["imds"].startswith("http://127.0.0.1:")


def test_what_cannot_be_had_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "wrong.crt").write_text("nothing")
    (tmp_path / "file").write_text("")
    for arguments, sentence in (
        (["--app-certificate", str(tmp_path / "wrong.crt")], "holds no certificate"),
        (["--app-certificate", str(tmp_path / "none.crt")], "The sandbox cannot start"),
        (["--credentials", str(tmp_path / "file" / "x")], "The sandbox cannot start"),
        (["--device-interval", "0"], "is not in the range"),
    ):
        result = CliRunner().invoke(sandbox, arguments)
        assert result.exit_code == 2
        assert sentence in " ".join(result.output.split())


@pytest.mark.anyio
async def test_people_belong_to_one_tenant() -> None:
    first = SandboxOptions(mailboxes=50)
    fabrikam = parse_tenant("fabrikam.onmicrosoft.com", first)
    eve = "eve@fabrikam.com"
    async with running(mailboxes=50, others=(fabrikam,), signin=options(approve_devices=eve)) as client:
        for tenant, numbers in ((client.served.tenant, [50034]), (fabrikam.domain, []), ("common", [])):
            async with public(client.served, tenant) as app:
                answer = await _by_device(app, scope(client.served))
            assert codes(answer) == numbers
        assert claims_of(answer["access_token"])["tid"] == fabrikam.tenant_id
        assert await accepted(client, answer) == 401
        client.served = replace(client.served, tenant=fabrikam.domain)
        assert await accepted(client, answer) == 200


async def _by_device(app: Any, scopes: list[str]) -> dict[str, Any]:
    from anyio import to_thread  # noqa: PLC0415

    def sign_in() -> dict[str, Any]:
        flow = app.initiate_device_flow(scopes)
        app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
        found: dict[str, Any] = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
        return found

    return await to_thread.run_sync(sign_in)


@pytest.mark.parametrize("number", sorted(KINDS))
def test_every_refusal_can_be_said(number: int) -> None:
    status, body = refusal(number)
    assert status >= 400
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert body["error"]


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_CLAIMS = st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf"]), _JSON | st.just(CLIENT_ID))
_HEADER = st.dictionaries(st.sampled_from(["alg", "x5t", "x5t#S256", "kid"]), _JSON | st.just("PS256"))
_ASSERTION = st.text(max_size=30) | st.builds(
    lambda header, claims: f"{_part(header)}.{_part(claims)}.AA", _HEADER, _CLAIMS
)
_WANTED = _JSON.map(json.dumps) | _JSON.map(
    lambda value: json.dumps({"access_token": {"nbf": {"value": value}}})
)
_FORM = st.fixed_dictionaries(
    {
        "client_id": st.sampled_from([CLIENT_ID, PUBLIC_CLIENT, "x"]),
        "grant_type": st.sampled_from(
            ["client_credentials", "refresh_token", "authorization_code", DEVICE_CODE]
        ),
    },
    optional={
        "client_assertion": _ASSERTION,
        "client_assertion_type": st.just(JWT_BEARER),
        "client_secret": st.text(max_size=5) | st.just("s"),
        "scope": st.text(max_size=9) | st.sampled_from(["https://x/.default", "https://[/.default"]),
        "claims": _WANTED | st.text(max_size=5),
    },
)


def _part(value: Any) -> str:
    return jws.encode(json.dumps(value).encode())


@given(form=_FORM, basic=st.text(max_size=9).map(lambda text: f"Basic {text}") | st.just(""))
@settings(max_examples=300, deadline=None)
def test_no_request_breaks_it(form: dict[str, str], basic: str) -> None:
    authority = Authority(SandboxOptions(secret="s", mailboxes=1))
    request = TokenRequest(
        tenant="contoso.onmicrosoft.com", form=form, origin="https://localhost", basic=basic, now=1.8e9
    )
    for status, body in (authority.token(request), authority.device(request)):
        assert status in {200, 400, 401}
        assert status == 200 or body["error_codes"]


@given(
    query=st.dictionaries(
        st.sampled_from(["client_id", "response_type", "redirect_uri", "response_mode", "claims"]),
        st.sampled_from(
            [PUBLIC_CLIENT, "code", "http://localhost:1", "http://[", "{", "http://localhost:99999"]
        ),
    )
)
@settings(max_examples=200, deadline=None)
def test_no_question_of_a_browser_breaks_it(query: dict[str, str]) -> None:
    asked = Authority(SandboxOptions(mailboxes=1)).ask("contoso.onmicrosoft.com", query)
    assert isinstance(asked, tuple) == (
        query.get("client_id") != PUBLIC_CLIENT
        or not usable(query.get("redirect_uri", ""))
        or query.get("claims", "{}") not in {"{}"}
    )
    assert (wrong(query) is None) == (query.get("response_type") == "code" and "response_mode" not in query)

"""The app's certificate and federated token, as msal presents them."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bulkexo.sandbox import jws
from bulkexo.sandbox.material import ISSUER, make_material
from bulkexo.sandbox.options import CLIENT_ID, OptionError
from bulkexo.sandbox.signin_options import SignInOptions
from tests.sandbox.helpers import running
from tests.sandbox.signing_in import accepted, assertion, claims_of, codes, for_client, options

Files = dict[str, str]


def _pem(files: Files) -> dict[str, str]:
    return {
        "private_key": Path(files["pem"]).read_text(),
        "public_certificate": Path(files["certificate"]).read_text(),
    }


def _thumbprint(files: Files) -> dict[str, str]:
    return {"private_key": Path(files["pem"]).read_text(), "thumbprint": files["thumbprint"]}


def _encrypted(files: Files) -> dict[str, str]:
    return {
        "private_key": Path(files["encrypted_pem"]).read_text(),
        "public_certificate": Path(files["certificate"]).read_text(),
        "passphrase": files["passphrase"],
    }


def _pfx(files: Files) -> dict[str, str]:
    return {"private_key_pfx_path": files["pfx"], "passphrase": files["passphrase"]}


def _open_pfx(files: Files) -> dict[str, str]:
    return {"private_key_pfx_path": files["open_pfx"]}


def _federated(files: Files) -> dict[str, Any]:
    return _given(_read(files))


def _given(assertion: str) -> dict[str, Any]:
    return {"client_assertion": lambda: assertion}


def _read(files: Files | None) -> str:
    assert files is not None
    return Path(files["federated_token"]).read_text()


@pytest.mark.anyio
async def test_every_file_lets_the_app_in(tmp_path: Path) -> None:
    async with running(signin=options(tmp_path)) as client:
        files = client.served.credentials
        assert files is not None
        ways: list[Callable[[Files], dict[str, Any]]] = [
            _pem, _thumbprint, _encrypted, _pfx, _open_pfx, _federated,
        ]  # fmt: skip
        for way in ways:
            answer = await for_client(client.served, way(files))
            assert await accepted(client, answer) == 200
        said = claims_of(answer["access_token"])
        assert said["idtyp"] == "app"
        assert said["aud"] == client.served.endpoint
        assert said["roles"] == ["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"]
        assert "upn" not in said
        stats = await client.stats()
        assert stats["tokens_by_client_certificate"] == 5
        assert stats["tokens_by_client_federated"] == 1
        assert stats["tokens_issued"] == 7


@pytest.mark.anyio
async def test_another_certificate_is_refused_until_it_is_registered(tmp_path: Path) -> None:
    other = make_material(SignInOptions(credentials=tmp_path / "other"), time.time())
    assert other is not None
    files = other.announced()
    async with running(signin=options(tmp_path / "own")) as client:
        answer = await for_client(client.served, _pem(files))
        assert codes(answer) == [700027]
        assert files["thumbprint"].upper() not in answer["error_description"]  # msal names it by SHA-256
        answer = await for_client(client.served, _thumbprint(files))
        assert codes(answer) == [700027]
        assert files["thumbprint"].upper() in answer["error_description"]
    registered = (Path(files["certificate"]),)
    async with running(signin=options(tmp_path / "own", app_certificates=registered)) as client:
        assert await accepted(client, await for_client(client.served, _pem(files))) == 200


def _key_and_certificate(files: Files) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = serialization.load_pem_private_key(Path(files["pem"]).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key, x509.load_pem_x509_certificate(Path(files["certificate"]).read_bytes())


@pytest.mark.anyio
async def test_what_an_assertion_must_say(tmp_path: Path) -> None:
    async with running(signin=options(tmp_path)) as client:
        served = client.served
        assert served.credentials is not None
        key, certificate = _key_and_certificate(served.credentials)
        now = int(time.time())
        endpoint = f"{served.authority}/{served.tenant}/oauth2/v2.0/token"
        good: dict[str, Any] = {
            "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": endpoint, "exp": now + 600, "nbf": now,
        }  # fmt: skip
        changes: list[tuple[dict[str, Any], list[int]]] = [
            ({}, []),
            ({"aud": f"{served.authority}/{served.tenant_id}/v2.0"}, []),
            ({"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"}, [700023]),
            ({"sub": "somebody"}, [700021]),
            ({"exp": now - 3600}, [700024]),
            ({"nbf": now + 3600}, [700024]),
            ({"exp": "soon"}, [700024]),
            ({"iss": "x", "sub": "x"}, [700021]),
        ]
        for change, numbers in changes:
            given = assertion(key, certificate, {**good, **change})
            assert codes(await for_client(served, _given(given))) == numbers, change
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        forged = assertion(stranger, certificate, good)
        unsigned = jws.encode(b'{"alg":"none"}') + "." + forged.split(".")[1] + "."
        nameless = jws.sign(key, {}, good)
        for given, number in ((forged, 700027), (unsigned, 5002723), (nameless, 5002723), ("a.b", 70000)):
            assert codes(await for_client(served, _given(given))) == [number]


@pytest.mark.anyio
async def test_federated_tokens_must_match_their_record(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    strange = make_material(SignInOptions(credentials=other), time.time())
    assert strange is not None
    async with running(signin=options(own)) as client:
        good = jws.parse(_read(client.served.credentials))
        key_id = good.header["kid"]
        elsewhere = {**good.claims, "iss": "https://issuer.example/"}
        for claims, header, number in (
            (elsewhere, {}, 700211),
            ({**good.claims, "aud": "api://else"}, {}, 700212),
            ({**good.claims, "sub": "system:serviceaccount:else:runner"}, {}, 700213),
            (good.claims, {"kid": "unknown"}, 7000272),
            (good.claims, {"kid": key_id}, 50013),
        ):
            given = jws.sign(strange.issuer_key, header, claims)
            assert codes(await for_client(client.served, _given(given))) == [number]
    foreign = jws.sign(strange.issuer_key, {}, good.claims)
    async with running() as client:
        answer = await for_client(client.served, _given(foreign))
        assert codes(answer) == [700211]
        assert ISSUER in answer["error_description"]


@pytest.mark.anyio
async def test_the_federated_token_is_rewritten_in_time(tmp_path: Path) -> None:
    async with running(signin=options(tmp_path, federated_lifetime=0.05)) as client:
        files = client.served.credentials
        first = later = _read(files)
        with anyio.fail_after(20):
            while later == first:
                await anyio.sleep(0.01)
                later = _read(files)
        assert jws.parse(later).claims["sub"] == jws.parse(first).claims["sub"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such mode")
def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    made = make_material(SignInOptions(credentials=tmp_path, passphrase="known words"), time.time())
    assert made is not None
    assert made.passphrase == "known words"
    assert "known words" not in repr(made)
    files = list(tmp_path.iterdir())
    assert len(files) == 6
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    made.write_token(time.time())
    again = make_material(SignInOptions(credentials=tmp_path), time.time())
    assert again is not None
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.anyio
async def test_what_is_no_certificate_is_a_sentence(tmp_path: Path) -> None:
    wrong = tmp_path / "app.crt"
    wrong.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    with pytest.raises(BaseExceptionGroup) as caught:
        async with running(signin=options(app_certificates=(wrong,))):
            pass
    assert caught.group_contains(OptionError, match="holds no certificate")

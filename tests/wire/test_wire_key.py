"""The service's key: found wherever it stands, and what it encrypts can be opened."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bulkexo.model import Failure, Form
from bulkexo.wire import Call, Service
from bulkexo.wire.key import module_request, public_key, sealing, secret, unread

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def xml(private: rsa.RSAPrivateKey = PRIVATE, gap: str = "") -> str:
    numbers = private.public_key().public_numbers()
    modulus, exponent = (
        base64.b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()
        for number in (numbers.n, numbers.e)
    )
    parts = (f"<Modulus>{modulus}</Modulus>", f"<Exponent>{exponent}</Exponent>")
    return f"<RSAKeyValue>{gap}{gap.join(parts)}{gap}</RSAKeyValue>"


MODULE = f"function Set-Mailbox {{\n}}\n$script:PublicKey = '{xml()}'\n"


@pytest.mark.parametrize(
    "body",
    [
        MODULE,
        {"value": [{"exportedCmdlets": "Set-Mailbox", "moduleFile": MODULE}]},
        {"value": [{"file": base64.b64encode(MODULE.encode()).decode()}]},
        {"value": [{"file": base64.b64encode(MODULE.encode("utf-16-le")).decode()}]},
        {"key": xml(gap="\n\t")},
        [{"deep": [{"deeper": MODULE}]}],
        f"{xml()[:200]} … {xml()}",
    ],
)
def test_the_key_is_found_wherever_it_stands(body: Any) -> None:
    assert public_key(json.loads(json.dumps(body))) == xml()


SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)


@pytest.mark.parametrize(
    "body",
    [
        "",
        None,
        7,
        {"value": []},
        "<RSAKeyValue></RSAKeyValue>",
        "<RSAKeyValue><Modulus>AQAB</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>",
        xml(SMALL),
        xml().replace("AQAB", "AQAA"),
        "A" * 300,
    ],
)
def test_where_there_is_none(body: Any) -> None:
    assert public_key(body) == ""


@pytest.mark.parametrize("text", ["", "hunter2", "pässwörd 漢", "x" * 245])
def test_what_is_sealed_can_be_opened_and_differs_each_time(text: str) -> None:
    seal = sealing(xml())
    first, second = seal(text), seal(text)
    assert first != second
    for sealed in (first, second):
        assert PRIVATE.decrypt(base64.b64decode(sealed), padding.PKCS1v15()).decode() == text


def test_what_is_no_key_seals_nothing() -> None:
    with pytest.raises(ValueError, match="no RSA key"):
        sealing(xml(SMALL))


def test_the_request_for_the_module() -> None:
    request = module_request(Service("https://outlook.office365.com", "tenant", "APP:anchor", "run"), "token")
    assert request.method == "GET"
    assert request.url == "https://outlook.office365.com/AdminApi/v1.0/tenant/EXOModuleFile"
    assert request.headers["CommandName"] == "*"
    assert request.headers["Authorization"] == "Bearer token"


def test_calls_with_secrets() -> None:
    forms = {"Password": Form.SECURE, "Data": Form.BYTES}
    assert secret(Call("g", "New-Mailbox", {"Password": "x"}, forms=forms))
    assert not secret(Call("g", "New-Mailbox", {"Data": "x"}, forms=forms))
    assert not secret(Call("g", "New-Mailbox", {"Password": "x"}))


@pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (None, False),
        (Failure("", "", "The operation couldn't be performed."), False),
        (Failure("", "System.Security.Cryptography.CryptographicException", "Bad data."), True),
        (Failure("", "", "Unable to decrypt the value of Password."), True),
        (Failure("", "", "it is not encrypted with the current key of the service"), True),
    ],
)
def test_errors_about_what_was_encrypted(failure: Failure | None, meant: bool) -> None:
    assert unread(failure) is meant

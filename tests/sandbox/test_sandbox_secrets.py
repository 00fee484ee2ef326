"""SecureStrings: sealed with the key of the module file, which is rotated."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from bulkexo.sandbox.engine import Call
from bulkexo.sandbox.keys import Keys
from tests.sandbox.helpers import Bench, error_of, running, seal

ME = {"Identity": "mailbox3@contoso.onmicrosoft.com"}


def test_one_version_back_still_opens() -> None:
    keys = Keys(60.0)
    first = keys.xml(100.0)
    sealed = seal("Sesame ✓", first)
    assert keys.xml(159.0) == first
    assert keys.unseal(sealed, 159.0) == "Sesame ✓"
    second = keys.xml(161.0)
    assert second != first
    assert keys.unseal(sealed, 161.0) == keys.unseal(seal("Sesame ✓", second), 161.0) == "Sesame ✓"
    assert keys.unseal(sealed, 221.0) is None
    assert Keys(None).xml(0.0) != first


@pytest.mark.parametrize(
    "given",
    ["Sesame, open!", base64.b64encode(bytes(256)).decode(),
     base64.b64encode(b"x" * 256).decode(), "", 7, None,
     {"@odata.type": "#Exchange.GenericHashTable"}, seal("x", Keys(None).xml(0.0))],
)  # fmt: skip
def test_what_is_not_sealed_with_the_key_is_refused(bench: Bench, given: Any) -> None:
    reply = bench("Set-Mailbox", **ME, Password=given)
    assert error_of(reply)[:2] == (400, "ParameterTransformationException")
    if isinstance(given, str) and given:
        assert given not in error_of(reply)[2]


def test_a_key_is_good_until_the_one_after_the_next() -> None:
    bench = Bench(rotate_key_every=10.0)
    sealed = seal("Sesame", bench.engine.keys.xml(0.0))
    statuses = [
        bench.engine.run(
            Call("", "Set-Mailbox", {**ME, "Password": sealed}, "https://h/x"), now=now, stamp=""
        ).status
        for now in (9.0, 19.0, 21.0)
    ]
    assert statuses == [200, 200, 400]


def test_a_password_is_always_a_change(bench: Bench) -> None:
    sealed = seal("Sesame", bench.engine.keys.xml(0.0))
    for _ in range(2):
        assert "no settings" not in str(bench("Set-Mailbox", **ME, Password=sealed).body)


@pytest.mark.anyio
async def test_the_module_file_names_what_the_caller_may_and_holds_the_key() -> None:
    async with running() as client:
        for version in ("beta", "v1.0", "V1.0"):
            url = client.url("EXOModuleFile", version)
            answer = await client.send(url, b"", method="GET", headers={"CommandName": "*"})
            exported = answer.value[0]["exportedCmdlets"].split(",")
            assert "Set-Mailbox" in exported
            assert "Get-ComplianceCase" not in exported
            assert "function Set-Mailbox {" in answer.value[0]["moduleFile"]
        url = client.url("exomodulefile", "v1.0").replace("/adminapi/", "/AdminApi/") + "?Version=3.9.0"
        some = await client.send(url, b"", method="GET", headers={"CommandName": "Get-User, get-mailbox"})
        assert set(some.value[0]["exportedCmdlets"].split(",")) == {"Get-Mailbox", "Get-User"}
        assert (await client.send(url, b"{}")).status == 405
        assert (await client.send(url, b"", method="GET", headers={"Authorization": None})).status == 401
        sealed = seal("Sesame", await client.public_key())
        assert (await client.cmdlet("Set-Mailbox", {**ME, "Password": sealed})).status == 200


def test_custom_routing_is_not_for_the_wire(bench: Bench) -> None:
    reply = bench("Get-MailboxStatistics", **ME, UseCustomRouting=True)
    assert error_of(reply)[:2] == (400, "ParameterBindingException")

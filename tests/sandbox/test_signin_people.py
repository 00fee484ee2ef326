"""People at the sandbox's sign-in: device codes, refresh tokens, the browser, as msal goes about it."""

from __future__ import annotations

from typing import Any

import pytest
from anyio import to_thread

from bulkexo.sandbox.accounts import User
from bulkexo.sandbox.device_codes import Devices
from bulkexo.sandbox.options import SandboxOptions
from tests.sandbox.helpers import Client, running
from tests.sandbox.signing_in import ADA, accepted, claims_of, codes, options, public, scope, steer


async def _begin(client: Client, app: Any) -> dict[str, Any]:
    flow: dict[str, Any] = await to_thread.run_sync(lambda: app.initiate_device_flow(scope(client.served)))
    return flow


async def _poll(app: Any, flow: dict[str, Any]) -> dict[str, Any]:
    once = lambda _: True  # noqa: E731
    found: dict[str, Any] = await to_thread.run_sync(
        lambda: app.acquire_token_by_device_flow(flow, exit_condition=once)
    )
    return found


@pytest.mark.anyio
async def test_a_person_signs_in_by_device_code() -> None:
    async with running(signin=options()) as client, public(client.served) as app:
        flow = await _begin(client, app)
        assert flow["verification_uri"] == f"{client.served.endpoint}/sandbox/device"
        assert flow["user_code"] in flow["message"]
        waiting = await _poll(app, flow)
        assert (waiting["error"], codes(waiting)) == ("authorization_pending", [70016])
        assert (await steer(client, "device/approve", user_code="WRONG", upn=ADA)).status == 400
        nobody = await steer(client, "device/approve", user_code=flow["user_code"], upn="a@b.c")
        assert nobody.body["error_codes"] == [50034]
        approved = await steer(client, "device/approve", user_code=flow["user_code"].lower(), upn=ADA)
        assert approved.status == 200
        answer = await _poll(app, flow)
        assert await accepted(client, answer) == 200
        said = claims_of(answer["access_token"])
        assert (said["upn"], said["tid"]) == (ADA, client.served.tenant_id)
        assert said["appid"] == "fb78d390-0c51-40cd-8e17-fdbfab77341b"
        assert not {"idtyp", "roles"} & said.keys()
        assert answer["id_token_claims"]["preferred_username"] == ADA
        assert codes(await _poll(app, flow)) == [70018]
        (account,) = app.get_accounts()
        assert account["username"] == ADA
        silent = await to_thread.run_sync(lambda: app.acquire_token_silent(scope(client.served), account))
        assert silent["access_token"] == answer["access_token"]
        renewed = await to_thread.run_sync(
            lambda: app.acquire_token_silent(scope(client.served), account, force_refresh=True)
        )
        assert renewed["access_token"] != answer["access_token"]
        assert await accepted(client, renewed) == 200
        stats = await client.stats()
        assert (stats["tokens_by_device_code"], stats["tokens_by_refresh_token"]) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("tenant", [None, "organizations"])
async def test_a_rehearsal_needs_no_person(tenant: str | None) -> None:
    async with (
        running(signin=options(approve_devices=ADA)) as client,
        public(client.served, tenant) as app,
    ):
        flow = await _begin(client, app)
        assert (await _poll(app, flow))["error"] == "authorization_pending"
        assert await accepted(client, await _poll(app, flow)) == 200


@pytest.mark.anyio
async def test_a_person_says_no() -> None:
    async with running(signin=options()) as client, public(client.served) as app:
        flow = await _begin(client, app)
        assert (await steer(client, "device/deny", user_code=flow["user_code"])).status == 200
        assert (await _poll(app, flow))["error"] == "authorization_declined"
        assert (await steer(client, "device/deny", user_code=flow["user_code"])).status == 400


@pytest.mark.anyio
async def test_the_page_takes_the_code() -> None:
    async with running(signin=options()) as client, public(client.served) as app:
        flow = await _begin(client, app)
        async with client.session.get(flow["verification_uri"]) as shown:
            assert 'name="user_code"' in await shown.text()
        for upn, status in (("<b>@else.example", 400), (ADA, 200)):
            form = {"user_code": flow["user_code"], "upn": upn}
            async with client.session.post(flow["verification_uri"], data=form) as shown:
                assert shown.status == status
                assert "<b>@" not in await shown.text()
        assert await accepted(client, await _poll(app, flow)) == 200


def test_whoever_polls_too_fast_is_slowed_down() -> None:
    devices, nobody = Devices(5, 900.0), None
    code = devices.begin("c", "s", 0, "https://h", 0.0)[1]["device_code"]
    polls: list[Any] = [devices.poll(code, "c", nobody, moment) for moment in (0.0, 5.0, 6.0, 11.0, 20.0)]
    errors = [poll[1]["error"] for poll in polls]
    pending, slow = "authorization_pending", "slow_down"
    assert errors == [pending, pending, slow, slow, slow]
    assert devices.poll(code, "c", nobody, 40.0)[1]["error"] == pending  # type: ignore[index]


def test_codes_expire_and_are_their_clients_own() -> None:
    devices, tenant = Devices(5, 900.0), SandboxOptions().tenant_id
    asked = devices.begin("c", "s", 0, "https://h", 0.0)[1]
    polls: list[Any] = [
        devices.poll(asked["device_code"], "c", None, 900.0),
        devices.poll(asked["device_code"], "other", None, 10.0),
        devices.poll("unknown", "c", None, 10.0),
    ]
    assert [poll[1]["error"] for poll in polls] == ["expired_token", *["bad_verification_code"] * 2]
    assert not devices.approve(asked["user_code"], User(ADA, tenant), 900.0)
    assert devices.approve(asked["user_code"], User(ADA, tenant), 899.0)

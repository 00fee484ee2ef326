"""Who signs in: the program's own secrets and tokens, the environment, profiles; and what goes wrong."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import bulkexo
from bulkexo.client.setup import NAMES, OWN
from bulkexo.options import IN_PROFILES
from bulkexo.options import NAMES as OF_A_RUN
from tests.client.helpers import options, run
from tests.e2e.pretend import Pretend


def works(made: bulkexo.Client, name: str) -> None:
    async def program() -> None:
        async with made as client:
            assert await client.invoke("Get-Mailbox", Identity=name)

    run(program)


def test_a_wrong_secret_is_told_without_it(tenant: Pretend) -> None:
    wrong = "-".join(["none", "of", "yours"])

    async def program() -> None:
        async with bulkexo.Client(**options(tenant, client_secret=wrong)):
            raise AssertionError

    with pytest.raises(bulkexo.SignInError, match="AADSTS7000215") as caught:
        run(program)
    assert wrong not in "".join(traceback.format_exception(caught.value))
    assert wrong not in repr(bulkexo.Client(client_secret=wrong))


def test_nothing_to_sign_in_with(tenant: Pretend) -> None:
    given: dict[str, Any] = dict(options(tenant))
    del given["client_secret"]

    async def program() -> None:
        async with bulkexo.Client(**given):
            raise AssertionError

    with pytest.raises(bulkexo.UsageError, match="no way to sign in"):
        run(program)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_token_of_the_program_s_own(tenant: Pretend, names: list[str], *, asynchronous: bool) -> None:
    asked: list[str] = []

    def token(scope: str) -> str:
        asked.append(scope)
        return tenant.token()

    async def later(scope: str) -> str:
        await anyio.lowlevel.checkpoint()
        return await anyio.to_thread.run_sync(token, scope)

    given: dict[str, Any] = dict(options(tenant, token=later if asynchronous else token))
    del given["client_secret"], given["client_id"]
    works(bulkexo.Client(**given), names[0])
    assert asked == [f"{tenant.said['endpoint']}/.default"]


def test_a_token_source_that_fails(tenant: Pretend) -> None:
    def token(scope: str) -> str:
        raise LookupError("vault")

    async def program() -> None:
        async with bulkexo.Client(**options(tenant, token=token)):
            raise AssertionError

    with pytest.raises(bulkexo.SignInError, match="own token source failed") as caught:
        run(program)
    assert isinstance(caught.value.__cause__, LookupError)


def test_the_environment_and_what_is_given(
    tenant: Pretend, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tenant.env.items():
        monkeypatch.setenv(name, value)
    works(bulkexo.Client.from_environment(), names[0])
    monkeypatch.setenv("BULKEXO_ENDPOINT", "https://localhost:1")
    works(bulkexo.Client.from_environment(endpoint=tenant.said["endpoint"]), names[0])
    with pytest.raises(bulkexo.UsageError, match="no way to sign in"):
        works(bulkexo.Client(), names[0])


def test_a_profile(
    tenant: Pretend, names: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = tenant.said
    keys = ("tenant", "endpoint", "authority", "client_id", "ca_file")
    lines = [f'{name.replace("_", "-")} = "{said[name]}"' for name in keys]
    (tmp_path / "bulkexo.toml").write_text("\n".join(["[profiles.mine]", *lines]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BULKEXO_MINE_CLIENT_SECRET", said["client_secret"])
    works(bulkexo.Client.from_profile("mine", rate=1000.0), names[0])
    with pytest.raises(bulkexo.UsageError, match="another"):
        bulkexo.Client.from_profile("another")


def test_people_are_told_where_to_sign_in(tenant: Pretend) -> None:
    told: list[str] = []

    async def signing_in() -> None:
        heard = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(text: str) -> None:
            told.append(text)
            loop.call_soon_threadsafe(heard.set)

        given: dict[str, Any] = dict(options(tenant, auth="device-code", tell=tell))
        del given["client_secret"], given["client_id"]
        entering = asyncio.create_task(bulkexo.Client(**given).__aenter__())
        await heard.wait()
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering

    asyncio.run(signing_in())
    assert "code" in told[0]


def test_the_options_are_those_of_a_run() -> None:
    """Of where, who and how fast all of them; of the rest those that a program has a use for."""
    assert NAMES - OWN <= OF_A_RUN
    assert IN_PROFILES <= NAMES


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"rate": -1}, bulkexo.UsageError, "above 0"),
        ({"auth": "magic"}, bulkexo.UsageError, "Give one of"),
        ({"on_unknown": "ask"}, bulkexo.UsageError, "nobody is there"),
        ({"rat": 1}, TypeError, "no option 'rat'"),
    ],
)
def test_options_that_cannot_be(given: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        bulkexo.Client(**given)


def test_under_trio_it_says_so(tenant: Pretend) -> None:
    client = bulkexo.Client(**options(tenant))
    with pytest.raises(bulkexo.UsageError, match="asyncio"):
        client.__aenter__().send(None)


def test_a_pretend_tenant_of_the_program_s_own() -> None:
    async def program() -> int:
        async with (
            bulkexo.pretend_tenant("--mailboxes 30 --speed 100") as tenant,
            bulkexo.Client(**tenant) as client,
        ):
            return len(await client.invoke("Get-Mailbox"))

    assert asyncio.run(program()) == 30


def test_the_sandbox_as_an_option() -> None:
    async def program() -> int:
        async with bulkexo.Client(sandbox=True, sandbox_options="--mailboxes 30 --speed 100") as client:
            return len(await client.invoke("Get-Mailbox"))

    assert asyncio.run(program()) == 30

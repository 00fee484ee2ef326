"""A running sandbox, a client that knows nothing of bulkexo, and an engine without sockets."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import aiohttp
import aiohttp.abc
import anyio
import orjson
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bulkexo.sandbox import Announcement, SandboxOptions, serve
from bulkexo.sandbox.engine import Call, Engine
from bulkexo.sandbox.registry import cmdlets
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.sites import Service
from bulkexo.sandbox.timing import Latency, Spread

AT_ONCE = Latency(Spread(0.0, 0.0))
JSON = "application/json;charset=utf-8"


@dataclass
class Answer:
    """What came back. body: parsed if it is JSON, else bytes."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def value(self) -> list[dict[str, Any]]:
        """The objects of a success."""
        assert self.status == 200, self.body
        found: list[dict[str, Any]] = self.body["value"]
        return found

    @property
    def error_type(self) -> str:
        """The last dotted part of the error's type."""
        detail: str = self.body["error"]["details"][0]["message"]
        return detail.split("|", 2)[1].rpartition(".")[2]


@dataclass
class Client:
    """Speaks to a sandbox. headers: sent with every request, batch items included."""

    served: Announcement
    session: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    def url(self, endpoint: str, version: str = "beta", tenant: str | None = None) -> str:
        """An endpoint of the admin API."""
        return f"{self.served.endpoint}/adminapi/{version}/{tenant or self.served.tenant}/{endpoint}"

    async def sign_in(self, scope: str = "https://outlook.office365.com/.default") -> None:
        """Get a token and send it from now on."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.served.client_id,
            "client_secret": self.served.client_secret,
            "scope": scope,
        }
        url = f"{self.served.authority}/{self.served.tenant}/oauth2/v2.0/token"
        async with self.session.post(url, data=form) as response:
            token = (await response.json())["access_token"]
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": JSON,
            "Accept": "application/json;odata.metadata=minimal",
            "Prefer": "odata.maxpagesize=100;odata.continue-on-error",
            "X-AnchorMailbox": "APP:SystemMailbox{bb558c35}@tenant",
            "connection-id": "one",
            "X-ResponseFormat": "json",
        }

    async def send(
        self, url: str, body: object, *, method: str = "POST", headers: dict[str, str | None] | None = None
    ) -> Answer:
        """One request; a header of None is left out."""
        merged = {**self.headers, **(headers or {})}
        sent = {name: value for name, value in merged.items() if value is not None}
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        async with self.session.request(
            method, url, data=data, headers=sent, allow_redirects=False
        ) as response:
            content = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Answer(
                response.status, dict(response.headers), orjson.loads(content) if is_json else content
            )

    async def cmdlet(
        self,
        name: str,
        parameters: dict[str, Any] | None = None,
        *,
        query: str = "",
        headers: dict[str, str | None] | None = None,
    ) -> Answer:
        """One InvokeCommand."""
        return await self.send(self.url("InvokeCommand") + query, body(name, parameters), headers=headers)

    def item(self, identifier: str, name: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request of a batch."""
        return {
            "id": identifier,
            "method": "POST",
            "url": self.url("InvokeCommand"),
            "headers": dict(self.headers),
            "body": body(name, parameters),
        }

    async def batch(
        self, items: list[dict[str, Any]], headers: dict[str, str | None] | None = None
    ) -> dict[str, dict[str, Any]]:
        """One $batch: id to response."""
        answer = await self.send(self.url("$batch"), {"requests": items}, headers=headers)
        assert answer.status == 200, answer.body
        return {response["id"]: response for response in answer.body["responses"]}

    async def public_key(self) -> str:
        """The service's key for SecureStrings, as it stands in the module file."""
        answer = await self.send(
            self.url("EXOModuleFile", "v1.0"), b"", method="GET", headers={"CommandName": "*"}
        )
        found = re.search("<RSAKeyValue>.*?</RSAKeyValue>", answer.value[0]["moduleFile"])
        assert found is not None
        return found[0]

    async def stats(self) -> dict[str, Any]:
        """/sandbox/stats."""
        async with self.session.get(f"{self.served.endpoint}/sandbox/stats") as response:
            found: dict[str, Any] = await response.json()
            return found


def body(name: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of a cmdlet."""
    return {"CmdletInput": {"CmdletName": name, "Parameters": parameters or {}}}


@asynccontextmanager
async def running(*, signed_in: bool = True, **options: Any) -> AsyncIterator[Client]:
    """`async with running(mailboxes=…) as client:` a sandbox over TLS, signed in unless told not to."""
    served: list[Announcement] = []
    up = anyio.Event()

    def ready(announcement: Announcement) -> None:
        served.append(announcement)
        up.set()

    async with anyio.create_task_group() as group:
        group.start_soon(serve, SandboxOptions(**{"mailboxes": 200, "latency": AT_ONCE, **options}), ready)
        await up.wait()
        context = ssl.create_default_context(cafile=served[0].ca_file)
        connector = aiohttp.TCPConnector(ssl=context, resolver=Loopback())
        async with aiohttp.ClientSession(connector=connector, auto_decompress=True) as session:
            client = Client(served[0], session)
            if signed_in:
                await client.sign_in()
            yield client
        group.cancel_scope.cancel()


def seal(text: str, key: str) -> str:
    """Encrypt a SecureString with a key as .NET writes it."""
    numbers = [
        int.from_bytes(base64.b64decode(part.text or ""), "big") for part in ElementTree.fromstring(key)
    ]
    public = rsa.RSAPublicNumbers(numbers[1], numbers[0]).public_key()
    return base64.b64encode(public.encrypt(text.encode(), padding.PKCS1v15())).decode()


class Loopback(aiohttp.abc.AbstractResolver):
    """`localhost` and every name below it are this machine (RFC 6761), whatever the system knows of them."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        assert f".{host}".endswith(".localhost"), host
        return [
            aiohttp.abc.ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


class Bench:
    """`Bench()("Get-Mailbox", Identity=…)`: cmdlets on an engine of 200 mailboxes, without sockets.

    A cmdlet is asked for where it is known."""

    def __init__(self, **options: Any) -> None:
        self.engine = Engine(SandboxOptions(**{"mailboxes": 200, **options}))

    def __call__(self, name: str, **parameters: Any) -> Reply:
        return self.selected(name, None, **parameters)

    def selected(self, name: str, select: tuple[str, ...] | None, **parameters: Any) -> Reply:
        """With `$select`."""
        known = cmdlets().get(name.lower())
        service = Service.EXCHANGE if known is None else next(iter(known.services))
        url = "https://h/adminapi/beta/t/InvokeCommand"
        call = Call("", name, parameters, url, service, select=select, anchor="APP:x")
        return self.engine.run(call, now=0.0, stamp="2026-01-01T00:00:00Z")

    def get(self, name: str, identity: str) -> dict[str, Any]:
        """The one object that a Get- cmdlet has for an identity."""
        (found,) = objects(self(name, Identity=identity))
        return found


def objects(reply: Reply) -> list[dict[str, Any]]:
    """The `value` of a success."""
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = reply.body["value"]
    return found


def warnings_of(reply: Reply) -> list[str]:
    """The warnings of a success."""
    assert reply.status == 200, reply.body
    found: list[str] = reply.body["@adminapi.warnings"]
    return found


def error_of(reply: Reply) -> tuple[int, str, str]:
    """Status, last part of the type, and text of a failure."""
    _, kind, text = reply.body["error"]["details"][0]["message"].split("|", 2)
    return reply.status, kind.rpartition(".")[2], text

"""A sandbox as a process, its journal, and a plain client that shares nothing with bulkexo's own."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.command import LIMIT, environment

TRIES = 20
ANCHOR = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@"


@dataclass
class Pretend:
    """A running sandbox. said: its `--json` line. journal_file: a line per effect."""

    said: Mapping[str, str]
    journal_file: Path
    process: subprocess.Popen[str]
    _read: int = field(default=0)

    @property
    def env(self) -> dict[str, str]:
        """What makes a bulkexo use it."""
        names = ("endpoint", "authority", "ca_file", "tenant", "client_id", "client_secret")
        found = {"BULKEXO_" + name.upper(): self.said[name] for name in names}
        return found | {"BULKEXO_COMPLIANCE_ENDPOINT": self.said["compliance"]}

    def journal(self) -> list[dict[str, Any]]:
        """The effects since this was asked last."""
        with self.journal_file.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        return [json.loads(line) for line in text.splitlines()]

    def stats(self) -> dict[str, Any]:
        """Its counters."""
        return asyncio.run(self._stats())

    def token(self) -> str:
        """A token, as anybody with the secret gets one."""
        return asyncio.run(self._signed_in())

    def get(self, identities: Sequence[str], cmdlet: str = "Get-Mailbox") -> list[dict[str, Any]]:
        """The objects as they are now, read one cmdlet per identity, ten in a batch."""
        return asyncio.run(self._get(identities, cmdlet))

    def everything(self, cmdlet: str = "Get-Mailbox") -> list[dict[str, Any]]:
        """All objects as they are now, in pages of 1,000."""
        return asyncio.run(self._everything(cmdlet))

    def lets_in(self, token: str) -> int:
        """The status with which the service answers this token."""
        return asyncio.run(self._lets_in(token))

    def steer(self, doing: str, **body: Any) -> None:
        """What its sign-in service is to do from now on; docs/sandbox-sign-in.md lists it."""
        asyncio.run(self._steer(doing, body))

    async def _steer(self, doing: str, body: Mapping[str, Any]) -> None:
        async with (
            self._session() as session,
            session.post(f"/sandbox/{doing}", json=body, raise_for_status=True),
        ):
            pass

    async def _lets_in(self, token: str) -> int:
        body, headers = _body("Get-AcceptedDomain"), self._headers(token)
        async with (
            self._session() as session,
            session.post(self._path("InvokeCommand"), json=body, headers=headers) as response,
        ):
            return response.status

    async def _stats(self) -> dict[str, Any]:
        async with self._session() as session, session.get("/sandbox/stats") as response:
            found: dict[str, Any] = await response.json()
            return found

    async def _signed_in(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.said["client_id"],
            "client_secret": self.said["client_secret"],
            "scope": f"{self.said['endpoint']}/.default",
        }
        path = f"/{self.said['tenant']}/oauth2/v2.0/token"
        async with self._session() as session, session.post(path, data=form) as response:
            return str((await response.json())["access_token"])

    async def _get(self, identities: Sequence[str], cmdlet: str) -> list[dict[str, Any]]:
        headers = self._headers(await self._signed_in())
        found: list[dict[str, Any]] = []
        async with self._session() as session:
            for first in range(0, len(identities), 10):
                wanted = dict(enumerate(identities[first : first + 10]))
                got: dict[int, dict[str, Any]] = {}
                for _ in range(TRIES):
                    requests = [
                        {
                            "id": str(number),
                            "method": "POST",
                            "url": f"{self.said['endpoint']}{self._path('InvokeCommand')}",
                            "headers": headers,
                            "body": _body(cmdlet, Identity=identity),
                        }
                        for number, identity in wanted.items()
                        if number not in got
                    ]
                    answer = await _post(session, self._path("$batch"), {"requests": requests}, headers)
                    for response in answer.get("responses", []):
                        if response["status"] == 200:
                            got[int(response["id"])] = response["body"]["value"][0]
                    if len(got) == len(wanted):
                        break
                found += [got[number] for number in wanted]
        return found

    async def _everything(self, cmdlet: str) -> list[dict[str, Any]]:
        headers = self._headers(await self._signed_in())
        path = self._path("InvokeCommand")
        found: list[dict[str, Any]] = []
        async with self._session() as session:
            while path:
                for _ in range(TRIES):
                    answer = await _post(session, path, _body(cmdlet), headers)
                    if "value" in answer:
                        break
                found += answer["value"]
                path = answer.get("@odata.nextLink", "").removeprefix(self.said["endpoint"])
        return found

    def _path(self, endpoint: str) -> str:
        return f"/adminapi/beta/{self.said['tenant_id']}/{endpoint}"

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json;charset=utf-8",
            "Accept": "application/json;odata.metadata=minimal",
            "Prefer": "odata.maxpagesize=1000;odata.continue-on-error",
            "X-AnchorMailbox": ANCHOR + self.said["tenant_id"],
            "connection-id": "5f3bd0a6-0b0e-4a86-8c1d-000000000001",
            "X-ResponseFormat": "json",
        }

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        context = ssl.create_default_context(cafile=self.said["ca_file"])
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(self.said["endpoint"], connector=connector) as session:
            yield session
            await connector.close(abort_ssl=True)  # a polite farewell would outlast the event loop


def _body(cmdlet: str, **parameters: str) -> dict[str, Any]:
    return {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}


async def _post(
    session: aiohttp.ClientSession, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
) -> dict[str, Any]:
    """The reply's JSON object; an empty one when the sandbox was made to fail or refuse."""
    try:
        async with session.post(path, json=body, headers=headers) as response:
            if response.status == 429:
                await asyncio.sleep(float(response.headers.get("Retry-After", "0.1")))
            if response.status != 200 or "json" not in response.content_type:
                return {}
            found: dict[str, Any] = await response.json()
            return found
    except aiohttp.ClientError:
        return {}


@contextmanager
def pretend(folder: Path, options: str) -> Iterator[Pretend]:
    """A sandbox with these options, written as they would be typed, which ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / "journal.ndjson"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bulkexo", "sandbox", "--json", "--stop-with-stdin"),
            *("--journal", str(journal)),
            *options.split(),
        ],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Pretend(json.loads(process.stdout.readline()), journal, process)
        finally:
            process.stdin.close()
            process.wait(LIMIT)

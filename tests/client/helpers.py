"""What the tests of the client share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import bulkexo
from tests.e2e.pretend import Pretend


def options(reached: Pretend, /, **more: Any) -> bulkexo.ClientOptions:
    """The options of a Client that reach a tenant."""
    said = reached.said
    found: Any = {
        **{name: said[name] for name in ("endpoint", "authority", "ca_file", "tenant", "client_id")},
        "compliance_endpoint": said["compliance"],
        "client_secret": said["client_secret"],
        **more,
    }
    made: bulkexo.ClientOptions = found
    return made


def run(program: Callable[[], Awaitable[Any]]) -> Any:
    """Run a program to its end, which leaves no task behind."""

    async def watched() -> Any:
        before = asyncio.all_tasks()
        found = await program()
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - before
        assert not left, left
        return found

    return asyncio.run(watched())


def changes(names: list[str], value: str) -> Iterator[bulkexo.Item]:
    """A change for each mailbox, tagged with its place."""
    for place, name in enumerate(names):
        yield bulkexo.call("Set-Mailbox", Identity=name, CustomAttribute1=value, tag=place)

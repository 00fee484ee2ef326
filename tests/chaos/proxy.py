"""A relay in front of the sandbox's port that treats connections badly: it sees bytes, not what they mean."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PIECE = 16_384


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one connection. to_server, to_client: bytes that pass in each direction before it is
    cut; reset: without goodbye. wait: seconds before each piece."""

    to_server: float = float("inf")
    to_client: float = float("inf")
    reset: bool = False
    wait: float = 0.0


def draw(dice: random.Random) -> Plan:
    """Some connections last; a TLS handshake takes some 2,000 bytes of each side, a batch 20,000."""
    kind = dice.choice(("long", "slow", "request", "request", "reply", "reply", "handshake"))
    reset = dice.random() < 0.5
    if kind == "request":
        return Plan(to_server=dice.randint(1_000, 40_000), reset=reset)
    if kind == "reply":
        return Plan(to_client=dice.randint(1_500, 20_000), reset=reset)
    if kind == "handshake":
        return Plan(to_client=dice.randint(0, 1_500), reset=reset)
    wait = dice.uniform(0.001, 0.05) if kind == "slow" else 0.0
    return Plan(to_server=dice.randint(40_000, 200_000), reset=reset, wait=wait)


@dataclass(slots=True)
class Proxy:
    """port: where it listens on loopback. plans: how many connections met which end."""

    target: int
    dice: random.Random
    port: int = 0
    plans: Counter[str] = field(default_factory=Counter)

    async def serve(self, stop: asyncio.Event, ready: threading.Event) -> None:
        """Relay until `stop`."""
        server = await asyncio.start_server(self._relay, "localhost", self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await stop.wait()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plan = draw(self.dice)
        try:
            there_reader, there_writer = await asyncio.open_connection("localhost", self.target)
        except OSError:
            writer.transport.abort()
            return
        ways = (
            asyncio.ensure_future(_pass(reader, there_writer, plan.to_server, plan.wait)),
            asyncio.ensure_future(_pass(there_reader, writer, plan.to_client, plan.wait)),
        )
        done, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        cut = any(way.result() for way in done)
        self.plans["cut" if cut else "whole"] += 1
        for way in left:
            way.cancel()
        for each in (writer, there_writer):
            if cut and plan.reset:
                each.transport.abort()
            else:
                each.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: float, wait: float) -> bool:
    """Pass bytes on until there are no more (False) or `left` are used up (True)."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            if wait:
                await asyncio.sleep(wait)
            writer.write(piece[: int(min(left, len(piece)))])
            await writer.drain()
            left -= len(piece)
            if left <= 0:
                return True
    return False


@contextmanager
def proxy(target: int, seed: int) -> Iterator[Proxy]:
    """A relay to port `target`, in a thread of its own. The seed tells what becomes of each connection, in
    the order in which they come."""
    relay, ready = Proxy(target, random.Random(seed)), threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        await relay.serve(stop, ready)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield relay
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)

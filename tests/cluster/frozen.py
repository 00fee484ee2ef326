"""A process that sends twice by its lease, and freezes when the second request has just been allowed.

Given a port, the question after whose answer it freezes, and the seconds of the lease.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count

import anyio

from bulkexo.cluster.lease import Lease, awake
from bulkexo.net.session import Session
from bulkexo.wire import Lost, Reply
from tests.net.asking import request

QUESTIONS = ("headers", "body")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def freezing(lease: Lease, after: str) -> Callable[[], bool]:
    asked = count()

    def lasts() -> bool:
        found = lease.lasts()
        if next(asked) == QUESTIONS.index(after):
            assert found
            os.kill(os.getpid(), signal.SIGSTOP)
        return found

    return lasts


async def main(port: int, after: str, seconds: float) -> None:
    endpoint = f"http://127.0.0.1:{port}"
    lease = Lease(awake)
    async with Session([endpoint], connections=1, guard=lease.lasts) as session:
        lease.renew(awake(), seconds)
        assert isinstance(await session.send(request(endpoint)), Reply)
        say("sent once")
        lease.renew(awake(), seconds)
        assert isinstance(await session.apart(freezing(lease, after)).send(request(endpoint)), Lost)
    say("lost")


anyio.run(main, int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))

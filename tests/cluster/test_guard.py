"""A guarded session: what the guard does not let pass leaves no trace at the service, not a byte of it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bulkexo.net.session import OVER, Session
from bulkexo.wire import Lost, Reply, Request
from tests.net.asking import request
from tests.net.conftest import Certificates, certificates  # noqa: F401 (a fixture)
from tests.net.servers import raw, read_request, reply_bytes

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
LEASE = 0.5


def always() -> bool:
    return True


class Listening:
    """A service that notes what comes on each connection, and answers each request."""

    def __init__(self) -> None:
        self.connections: list[bytearray] = []
        self.opened = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = bytearray()
        self.connections.append(heard)
        self.opened.set()
        while True:
            heard += await read_request(reader)
            writer.write(reply_bytes())
            await writer.drain()


class Guard:
    """Lets the first `many` questions pass."""

    def __init__(self, many: int) -> None:
        self.left = many

    def __call__(self) -> bool:
        self.left -= 1
        return self.left >= 0


def asked(endpoint: str, method: str) -> Request:
    sent = request(endpoint)
    return Request(sent.url, sent.headers, sent.body if method == "POST" else b"", sent.timeout, method)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_no_byte_leaves_on_a_new_connection(
    certificates: Certificates,  # noqa: F811
    method: str,
    tls: bool,
) -> None:
    context: ssl.SSLContext | None = certificates.server if tls else None
    service = Listening()
    async with (
        raw(service, context) as endpoint,
        Session([endpoint], connections=1, ca_file=certificates.ca_file, guard=always) as session,
    ):
        reply = await session.apart(lambda: False).send(asked(endpoint, method))
        await service.opened.wait()  # it was connected by then: the question came after that
        assert reply == Lost(OVER, sent=False)
        assert isinstance(await session.apart(lambda: True).send(asked(endpoint, method)), Reply)
    assert [bool(heard) for heard in service.connections] == [False, True]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_no_byte_leaves_on_one_that_is_there(method: str) -> None:
    service = Listening()
    questions = {"POST": 2, "GET": 1}[method]  # before the headers, before the body
    async with raw(service, None) as endpoint, Session([endpoint], connections=1, guard=always) as session:
        ours = session.apart(Guard(questions))
        assert isinstance(await ours.send(asked(endpoint, method)), Reply)
        (heard,) = service.connections
        first = bytes(heard)
        assert await ours.send(asked(endpoint, method)) == Lost(OVER, sent=False)
        assert bytes(heard) == first
        assert len(service.connections) == 1


async def test_what_ends_between_the_headers_and_the_body_holds_back_both() -> None:
    service = Listening()
    async with raw(service, None) as endpoint, Session([endpoint], connections=1, guard=always) as session:
        reply = await session.apart(Guard(1)).send(asked(endpoint, "POST"))
        assert reply == Lost(OVER, sent=False)
    assert service.connections == [bytearray()]


async def test_one_tenant_s_guard_is_not_another_s() -> None:
    service = Listening()
    async with raw(service, None) as endpoint, Session([endpoint], connections=2, guard=always) as session:
        lost, kept = session.apart(lambda: False), session.apart(lambda: True)
        replies = await asyncio.gather(*(each.send(asked(endpoint, "POST")) for each in (lost, kept, lost)))
    assert [isinstance(each, Reply) for each in replies] == [False, True, False]


class Hearing:
    """A service in a thread, which answers what comes. heard: bytes that came."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while part := connection.recv(1 << 16):
                self.heard += len(part)
                if part.endswith(b"}"):
                    connection.sendall(reply_bytes())

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process is frozen here")
@pytest.mark.parametrize("question", ["headers", "body"])
def test_a_process_that_is_frozen_when_it_may_just_send_sends_nothing_when_it_wakes(question: str) -> None:
    """It freezes with the yes to its last questions in its hand, on a connection that is there."""
    service = Hearing()
    with (
        closing(service),
        subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.frozen", str(service.port), question, str(LEASE)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"sent once\n"
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            heard = service.heard
            time.sleep(LEASE)  # by now its lease is over, wherever it is
            os.kill(process.pid, signal.SIGCONT)
            assert process.stdout.readline() == b"lost\n"
            assert process.wait() == 0
            assert service.heard == heard
        finally:
            process.kill()

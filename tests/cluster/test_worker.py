"""A real scheduler and a real worker of Dask's, as on a cluster, both saying all that they can say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from distributed import Client

from bulkexo.cluster.host import run_share
from bulkexo.cluster.messages import Begin, Given, Pass
from bulkexo.model import Item
from bulkexo.net.tokens import Token
from tests.cluster.coordinating import Coordinator, serving, share
from tests.e2e.files import people
from tests.e2e.pretend import Pretend, pretend

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
LEASE = 1.5


@dataclass
class Dask:
    """scheduler_file: tells the scheduler's address. worker: the process. words: all that both have said."""

    scheduler_file: Path
    worker: subprocess.Popen[bytes]
    log: Path

    @property
    def words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    folder = tmp_path_factory.mktemp("dask")
    file, log = folder / "scheduler.json", folder / "log"
    names = ("distributed", "asyncio", "aiohttp", "tornado", "bulkexo")
    variables = {f"DASK_LOGGING__{name.upper()}": "debug" for name in names}
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    words = {
        "scheduler": ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--no-show"],
        "worker": ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)],
    }
    with log.open("wb") as out:
        running = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"distributed.cli.dask_{name}",
                    "--scheduler-file",
                    str(file),
                    *options,
                ],
                stdout=out,
                stderr=out,
                env=environment,
                cwd=folder,
            )
            for name, options in words.items()
        ]
        try:
            yield Dask(file, running[1], log)
        finally:
            for process in running:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    with pretend(tmp_path_factory.mktemp("tenant"), "--mailboxes 300 --speed 100") as running:
        yield running


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    return people(tenant)


@pytest.fixture(scope="module")
def token(tenant: Pretend) -> Token:
    return Token(tenant.token(), 3600.0)


def given(names: list[str], **more: Any) -> list[Given]:
    return [
        Given(Item(row, 1, "Set-Mailbox", name, {"Identity": name, "CustomAttribute1": "v", **more}, {}))
        for row, name in enumerate(names, 1)
    ]


def submit(client: Any, at: Pass) -> Any:
    key = f"bulkexo-{at.run[:8]}-{at.number}-{at.generation}"
    return client.submit(run_share, at, key=key, pure=False, retries=0)


async def test_nothing_secret_is_in_what_dask_says(
    cluster: Dask, tenant: Pretend, token: Token, names: list[str]
) -> None:
    """More tenants than the worker has threads, a password in every row, a token in every request."""
    rows = given(names[:30], CustomAttribute2="P@ss-w0rd-9")
    coordinator = Coordinator(rows, lambda _: token, share=share(tenant))
    async with (
        serving(coordinator) as at,
        Client(scheduler_file=str(cluster.scheduler_file), asynchronous=True, set_as_default=False) as client,
    ):
        tasks = [submit(client, replace(at, number=number)) for number in range(1, 5)]
        with anyio.fail_after(60):
            assert [await task for task in tasks] == [None] * 4
        seen = await client.run_on_scheduler(_all_that_it_knows)
    assert coordinator.finished is not None
    assert len([each for each in coordinator.heard if isinstance(each, Begin)]) == 4
    assert len(coordinator.outcomes) == 30
    assert " - DEBUG - " in cluster.words
    for where in (cluster.words, seen):
        assert "bulkexo-5a8b0f0e-4-1" in where  # it is told of the tasks
        for secret in (token.text, token.text.split(".")[2], "P@ss-w0rd-9", coordinator.key, names[0]):
            assert secret not in where


def _all_that_it_knows(dask_scheduler: Any) -> str:
    """What the dashboard and its JSON show: tasks, their groups and stories, what each task is."""
    tasks = [
        (task, task.group, task.run_spec, task.metadata, task.annotations, task.exception_text)
        for task in dask_scheduler.tasks.values()
    ]
    said = {name: list(events) for name, events in dask_scheduler.get_events().items()}
    return repr((tasks, dask_scheduler.identity(), said))


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process is frozen here")
async def test_a_worker_that_wakes_after_its_lease_sends_and_says_nothing(
    cluster: Dask, tenant: Pretend, token: Token, names: list[str]
) -> None:
    options = {"rate": 200.0}
    coordinator = Coordinator(
        given(names * 20), lambda _: token, share=share(tenant, lease=LEASE, options=options)
    )
    well_begun = anyio.Event()

    def hear(_: object) -> None:
        if len(coordinator.outcomes) > 100:
            well_begun.set()

    coordinator.answer_first = hear
    async with (
        serving(coordinator) as at,
        Client(scheduler_file=str(cluster.scheduler_file), asynchronous=True, set_as_default=False) as client,
    ):
        task = submit(client, replace(at, number=7))
        with anyio.fail_after(60):
            await well_begun.wait()
        os.kill(cluster.worker.pid, signal.SIGSTOP)
        await anyio.sleep(LEASE + 0.3)  # what was in flight takes effect, and its lease is over
        tenant.journal()
        heard, said = len(coordinator.heard), len(coordinator.outcomes)
        os.kill(cluster.worker.pid, signal.SIGCONT)
        with anyio.fail_after(60):
            assert await task is None  # it noticed by itself
        await anyio.sleep(0.5)
        assert tenant.journal() == []
        assert len(coordinator.outcomes) == said
        assert {type(each).__name__ for each in coordinator.heard[heard:]} <= {"Beat"}
    assert coordinator.finished is None

"""`bulkexo run` in this process, with replies that are there at once: what is left is bulkexo's own work.

    python benchmarks/inside.py JOB FOLDER --cmdlet Set-Mailbox     microseconds of processor time an item

No socket, no TLS, no aiohttp; all else is as it is, the checks, the journal and its thread included.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import TracebackType

import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from speed.canned import TENANT, TOKEN, body, response
from speed.open import no_limit

import bulkexo.run
from bulkexo.cli import root
from bulkexo.wire import Reply, Request

HEADERS = {
    "content-type": "application/json",
    "date": "Tue, 24 Nov 2026 09:30:00 GMT",
    "content-length": "4196",
}


class Here:
    """In place of the sessions of a run, and of each session: every request has its answer. size: see
    `canned.body`."""

    def __init__(self, size: int = 0) -> None:
        self._batch = orjson.dumps({"responses": [response(number, size) for number in range(1, 11)]})
        self._lone = orjson.dumps(body(size))

    def __call__(self, needed: object) -> Here:
        return self

    def of(self, connection: object) -> Here:
        """The session of one tenant."""
        return self

    async def __aenter__(self) -> Here:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def send(self, request: Request) -> Reply:
        """The answer, after a turn of the loop: no reply is there before its request has gone."""
        await asyncio.sleep(0)
        return Reply(200, HEADERS, self._batch if request.url.endswith("$batch") else self._lone)


def run(job: Path, folder: Path, *more: str, size: int = 0) -> None:
    """The command, from its words to its end."""
    _command("run", str(job), "--tenant", TENANT, "--yes", "--out", str(folder), *more, size=size)


def go_on(folder: Path) -> None:
    """`bulkexo resume`, likewise."""
    _command("resume", str(folder), "--yes")


def _command(*words: str, size: int = 0) -> None:
    no_limit()
    setattr(bulkexo.run, "Sessions", Here(size))  # noqa: B010 - a class is put in the place of another
    os.environ["BULKEXO_TOKEN"] = TOKEN
    if code := root.main([*words, "--no-progress"], standalone_mode=False):
        raise SystemExit(f"bulkexo ended with {code}")


def main() -> None:
    """Run it as the command line says."""
    import bulkexo.cli.start  # noqa: F401, PLC0415 - the start of Python is not measured here

    job, folder = Path(sys.argv[1]), Path(sys.argv[2])
    began = time.process_time()
    run(job, folder, *sys.argv[3:])
    seconds = time.process_time() - began
    with (folder / "results.ndjson").open("rb") as lines:
        items = sum(1 for _ in lines)
    print(f"{seconds / items * 1e6:.1f} µs of processor time an item, {items:,} items")


if __name__ == "__main__":
    main()

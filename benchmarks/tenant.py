"""bulkexo at a tenant that takes a second a batch, against the ways people go about it: items per second.

    python benchmarks/tenant.py                  five minutes
    python benchmarks/tenant.py --seconds 60

The sandbox allows 40 and 400 items a second, with a burst of one second's worth and an exact Retry-After
(what whole seconds cost with such a small burst stands in docs/pace.md); both tenants are served side by
side. Beside bulkexo: batches of 10 one after another, as Microsoft's module has them, and a cmdlet a request,
as people write it; for some seconds, since they do not change.

bulkexo is measured over a whole run, from the first batch to the last, that begins at what an earlier one, a
third as long, has learned: the run of every day. The first of all learns for half a minute (docs/pace.md).
Targets: 20 times the batches in turn where the allowance permits, and within 3 % of the allowance always.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from speed import figures
from speed.figures import Figure

from bulkexo.journal.folder import RunFolder
from tests.e2e.pretend import Pretend, pretend

ALLOWANCES = (40, 400)
WITHIN, TIMES = 0.03, 20.0
IN_TURN = 20.0
"""Seconds of the ways that go one by one."""


def of_bulkexo(job: Path, folder: Path, tenant: Pretend) -> float:
    """Items per second of a run."""
    env = {**os.environ, **tenant.env, "XDG_CACHE_HOME": str(folder.parent)}
    words = ["run", str(job), "--out", str(folder), "--yes", "--no-progress"]
    subprocess.run([sys.executable, "-m", "bulkexo", *words], env=env, check=True, capture_output=True)
    document = RunFolder(folder).read()
    sent = [
        line.split(b'"started":"')[1][:24] for line in (folder / "results.ndjson").read_bytes().splitlines()
    ]
    began, ended = (moment(text) for text in (min(sent), max(sent)))
    return (int(document["counts"]["items"]) - 10) / (ended - began)


def moment(text: bytes) -> float:
    """Seconds since the epoch."""
    return datetime.fromisoformat(text.decode()).timestamp()


def in_turn(tenant: Pretend, names: list[str], size: int, seconds: float) -> float:
    """Items per second of requests one after another, of `size` cmdlets each."""

    async def ask() -> float:
        headers = tenant._headers(await tenant._signed_in())
        began, done = time.perf_counter(), 0
        async with tenant._session() as session:
            while time.perf_counter() - began < seconds:
                inner = [
                    {
                        "id": str(number),
                        "method": "POST",
                        "url": f"{tenant.said['endpoint']}{tenant._path('InvokeCommand')}",
                        "headers": headers,
                        "body": changed(names[(done + number) % len(names)]),
                    }
                    for number in range(size)
                ]
                path = "$batch" if size > 1 else "InvokeCommand"
                body = {"requests": inner} if size > 1 else inner[0]["body"]
                async with session.post(tenant._path(path), json=body, headers=headers) as reply:
                    await reply.read()
                    if reply.status == 429:
                        await asyncio.sleep(float(reply.headers.get("Retry-After", "1")))
                    done += size if reply.status == 200 else 0
        return done / (time.perf_counter() - began)

    return asyncio.run(ask())


def changed(name: str) -> dict[str, object]:
    """A cmdlet that changes something."""
    return {"CmdletInput": {"CmdletName": "Set-Mailbox", "Parameters": {"Identity": name, "Office": "x"}}}


def measured(allowance: int, seconds: float) -> Iterator[Figure]:
    """All ways at one tenant."""
    rows = int(allowance * seconds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = f"--mailboxes {rows} --latency 1,0.05 --allowance {allowance}/s --retry-after fraction"
        with pretend(folder / "sandbox", options) as tenant:
            names = [each["UserPrincipalName"] for each in tenant.everything()]
            short = min(IN_TURN, seconds)
            alone, batches = (in_turn(tenant, names, size, short) for size in (1, 10))
            of_bulkexo(written(folder / "first.csv", names[: rows // 3]), folder / "first", tenant)
            reached = of_bulkexo(written(folder / "job.csv", names), folder / "run", tenant)
    what, found = f"bulkexo, {allowance}/s allowed", f"{reached:,.1f} items/s"
    share = reached / allowance
    far = abs(share - 1) > WITHIN
    yield Figure(what, found, f"the allowance, {allowance} items/s", f"{share:.1%}", "within 3%", far)
    permitted = allowance >= TIMES * batches
    slow = permitted and reached < TIMES * batches
    wanted = f"≥ {TIMES:.0f} ×" if permitted else ""
    beside = f"batches of 10 in turn, {batches:,.1f} items/s"
    yield Figure(what, found, beside, f"{reached / batches:.1f} ×", wanted, slow)
    yield Figure(what, found, f"a cmdlet in turn, {alone:,.1f} items/s", f"{reached / alone:.0f} ×")


def written(job: Path, names: list[str]) -> Path:
    """A job that changes each of these."""
    lines = "".join(f"Set-Mailbox,{each},paced\n" for each in names)
    job.write_text(f"Cmdlet,Identity,CustomAttribute1\n{lines}")
    return job


def main() -> int:
    """Run it as the command line says; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.0, help="of bulkexo's run")
    figures.argument(parser)
    asked = parser.parse_args()
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda allowance: list(measured(allowance, asked.seconds)), ALLOWANCES)
        return figures.tell([each for some in found for each in some], asked.figures)


if __name__ == "__main__":
    sys.exit(main())

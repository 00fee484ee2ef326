"""bulkexo at a tenant that takes a second a batch, against the ways people go about it: items per second.

    python benchmarks/tenant.py --seconds 60

The sandbox allows 40 and 400 items a second. Beside bulkexo, one after another: batches of 10, as Microsoft's
module has them, and a cmdlet a request, as people write it. Of these as many are sent as half the time
lets go, for they do not change. bulkexo begins at what an earlier run has learned of the tenant. Targets: 20
times the batches in turn where the allowance permits, and within 3 % of the allowance always.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


from bulkexo.journal.folder import RunFolder
from tests.e2e.pretend import Pretend, pretend

ALLOWANCES = (40, 400)
WITHIN, TIMES = 0.03, 20.0


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
    from datetime import datetime  # noqa: PLC0415

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


def main() -> int:
    """Run it as the command line says; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    good = True
    for allowance in ALLOWANCES:
        rows = int(allowance * asked.seconds)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            options = f"--mailboxes {rows} --latency 1,0.05 --allowance {allowance}/s"
            with pretend(folder / "sandbox", options) as tenant:
                names = [each["UserPrincipalName"] for each in tenant.everything()]
                job = folder / "job.csv"
                lines = [f"Set-Mailbox,{each},paced\n" for each in names]
                job.write_text("Cmdlet,Identity,CustomAttribute1\n" + "".join(lines))
                ways = {
                    "a cmdlet in turn": in_turn(tenant, names, 1, asked.seconds / 4),
                    "batches of 10 in turn": in_turn(tenant, names, 10, asked.seconds / 4),
                }
                warm = folder / "warm.csv"
                warm.write_text("".join(job.read_text().splitlines(keepends=True)[: rows // 2]))
                of_bulkexo(warm, folder / "warm", tenant)
                ways["bulkexo"] = of_bulkexo(job, folder / "run", tenant)
        batches = ways["batches of 10 in turn"]
        for way, speed in ways.items():
            told = f"{speed / batches:>8.1f} × batches in turn{speed / allowance:>8.1%} of the allowance"
            print(f"{allowance:>4}/s  {way:<24}{speed:>8.1f} items/s{told}", flush=True)
        reached = ways["bulkexo"]
        good = good and abs(reached / allowance - 1) <= WITHIN
        good = good and reached >= min(TIMES * batches, (1 - WITHIN) * allowance)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

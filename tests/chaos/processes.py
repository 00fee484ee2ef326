"""Real processes: a sandbox that keeps its state, and runs against it that are killed."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-m", "bulkexo"]
FAULTS = {
    "cut-before": 15, "cut-after": 25, "503": 5, "504": 15, "html": 5, "slow": 5, "slow-seconds": 1,
    "500": 4, "transient": 10, "missing": 10,
}  # fmt: skip
"""Per mille. Without a 403, which would be the end of its row and right so."""
KILLED = 1 if sys.platform == "win32" else -9
ENOUGH = 120.0
"""Seconds after which something hangs."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A sandbox that serves. journal: of effects. arrivals: of cmdlets that came."""

    endpoint: str
    variables: Mapping[str, str]
    journal: Path
    arrivals: Path

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """That of a run against it; endpoint: another way to it."""
        own = {name: text for name, text in os.environ.items() if not name.startswith("BULKEXO_")}
        return {**own, **self.variables, "BULKEXO_ENDPOINT": endpoint or self.endpoint}


@contextmanager
def tenant(
    folder: Path, mailboxes: int, *options: str, faults: Mapping[str, float] = FAULTS
) -> Iterator[Tenant]:
    """A sandbox of its own for a test; its state outlives every run."""
    (folder / "faults.json").write_text(json.dumps(faults))
    journal, arrivals = folder / "effects.ndjson", folder / "arrivals.ndjson"
    command = [
        *PROGRAM, "sandbox", "--json", "--stop-with-stdin", "--seed", "1", "--mailboxes", str(mailboxes),
        "--journal", str(journal), "--arrivals", str(arrivals), "--faults", str(folder / "faults.json"),
        *options,
    ]  # fmt: skip
    with (
        (folder / "sandbox.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdin and process.stdout
        try:
            said = json.loads(process.stdout.readline())
            variables = {
                "XDG_CACHE_HOME": str(folder / "faults.json"),  # no folder: nothing is learned for the next
                "BULKEXO_AUTHORITY": said["authority"],
                "BULKEXO_CA_FILE": said["ca_file"],
                "BULKEXO_TENANT": said["tenant"],
                "BULKEXO_TOKEN": _token(said),
            }
            yield Tenant(said["endpoint"], variables, journal, arrivals)
        finally:
            process.stdin.close()
            process.wait(ENOUGH)


def _token(said: Mapping[str, Any]) -> str:
    """Signed in once: what is killed here is not the sign-in."""
    form = {
        "grant_type": "client_credentials",
        "client_id": said["client_id"],
        "client_secret": said["client_secret"],
        "scope": "https://outlook.office365.com/.default",
    }
    url = f"{said['authority']}/{said['tenant']}/oauth2/v2.0/token"
    context = ssl.create_default_context(cafile=said["ca_file"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(url, urllib.parse.urlencode(form).encode()) as reply:
        return str(json.load(reply)["access_token"])


@dataclass(slots=True)
class Ended:
    """How a process ended. code: negative for a signal (POSIX). words: what it said to people."""

    code: int
    words: str
    killed: bool = False


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    until: Callable[[], bool] | None = None,
    **popen: Any,
) -> Ended:
    """`bulkexo …` to its end; or killed as soon as `until` holds."""
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **popen,
    ) as process:
        killed = False
        try:
            if until is not None:
                killed = _killed(process, until)
            _, words = process.communicate(timeout=ENOUGH)
        finally:
            process.kill()
    return Ended(process.returncode, words.decode(errors="replace"), killed and process.returncode == KILLED)


def _killed(process: subprocess.Popen[bytes], until: Callable[[], bool]) -> bool:
    limit = time.monotonic() + ENOUGH
    while process.poll() is None and time.monotonic() < limit:
        if until():
            process.kill()
            return True
        time.sleep(0.0005)  # looks again
    return False


def lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of an NDJSON file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def count(path: Path) -> int:
    """How many whole lines a file has."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def size(path: Path) -> int:
    """Bytes of a file that may not be there yet."""
    return path.stat().st_size if path.exists() else 0

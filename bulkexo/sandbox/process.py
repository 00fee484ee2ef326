"""The sandbox as a process of its own: what it says at the start, and how it ends."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import IO, Any

import anyio

from bulkexo.sandbox import serve
from bulkexo.sandbox.directory import Directory
from bulkexo.sandbox.options import Announcement, SandboxOptions
from bulkexo.sandbox.people import People

COLUMNS = (
    "UserPrincipalName", "Alias", "DisplayName", "FirstName", "LastName", "Department", "Title", "Office",
    "City", "CountryOrRegion", "Phone", "PrimarySmtpAddress", "RecipientTypeDetails",
)  # fmt: skip


async def serve_until_stopped(
    options: SandboxOptions, ready: Callable[[Announcement], object], *, stop_with_stdin: bool
) -> None:
    """Serve until SIGINT or SIGTERM comes, or (if asked) standard input is closed. Raises OSError."""
    loop = asyncio.get_running_loop()
    with anyio.CancelScope() as scope:

        def stop(*_: object) -> None:
            loop.call_soon_threadsafe(scope.cancel)

        former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        if stop_with_stdin:
            threading.Thread(target=_when_stdin_closes, args=(stop,), daemon=True).start()
        try:
            await serve(options, ready)
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


def _when_stdin_closes(stop: Callable[[], None]) -> None:
    """Blocks until standard input ends; on the raw descriptor, which holds no lock when Python ends."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    try:
        stop()
    except RuntimeError:
        return


def environment(served: Announcement) -> dict[str, str]:
    """The variables that make a bulkexo use this sandbox."""
    return {
        "BULKEXO_ENDPOINT": served.endpoint,
        "BULKEXO_COMPLIANCE_ENDPOINT": served.compliance,
        "BULKEXO_AUTHORITY": served.authority,
        "BULKEXO_CA_FILE": served.ca_file,
        "BULKEXO_TENANT": served.tenant,
        "BULKEXO_CLIENT_ID": served.client_id,
        "BULKEXO_CLIENT_SECRET": served.client_secret,
    }


def words(served: Announcement, options: SandboxOptions) -> str:
    """What a person is told when the sandbox is up."""
    first, *others = [_size(tenant) for tenant in options.tenants]
    form = '  $env:{} = "{}"' if sys.platform == "win32" else "  export {}='{}'"
    lines = [form.format(name, value) for name, value in environment(served).items()]
    return "\n".join(
        [
            f"A pretend tenant, {first}, is served at {served.endpoint}.",
            f"Its Security & Compliance is at {served.compliance}.",
            *(f"Beside it, with the same client: {other}." for other in others),
            "To use it from another terminal, set there:",
            "",
            *lines,
            "",
            "Nothing here is kept: when it ends (Ctrl+C), so do its changes.",
        ]
    )


def _size(options: SandboxOptions) -> str:
    people = People(options.seed, options.mailboxes, options.domain, options.synced)
    return f"{options.domain}, with {people.mailboxes:,} mailboxes and {people.groups:,} groups"


def announcement(served: Announcement) -> dict[str, Any]:
    """The members of the `--json` line."""
    return asdict(served)


def write_mailboxes(options: SandboxOptions, out: IO[str]) -> None:
    """A CSV row for every mailbox, as it is at the start; with several tenants, its tenant's domain first."""
    writer = csv.writer(out, lineterminator="\n")
    several = len(options.tenants) > 1
    writer.writerow(["Tenant", *COLUMNS] if several else COLUMNS)
    for tenant in options.tenants:
        writer.writerows([tenant.domain, *row] if several else row for row in _rows(tenant))


def _rows(options: SandboxOptions) -> Iterator[list[str]]:
    directory = Directory(People(options.seed, options.mailboxes, options.domain, options.synced))
    for identifier in directory.identifiers(groups=False):
        facts = directory.facts(identifier)
        yield [facts[column] for column in COLUMNS]

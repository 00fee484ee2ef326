"""The rows of a job of many tenants, apart by tenant, so that each tenant's can be read on their own.

To read the whole job once for each tenant would take tenants times rows; to keep it in memory would not be
flat. So one pass writes the rows to a temporary file, a block of one tenant's at a time. Cells can hold
passwords, so the blocks are sealed with a key that only this process has.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import orjson

from bulkexo.job.problems import fail
from bulkexo.model import Value

BLOCK = 16 << 10
"""Bytes of a tenant's rows that are written at once; so many of each tenant are in memory."""

Numbered: TypeAlias = tuple[int, tuple[int, Sequence[Value]]]
"""A row's number, its line, its cells."""


class Apart:
    """A temporary file of rows by tenant; nobody else can read it, and it goes with `close`.

    Raises JobError where the disk does not take it.
    """

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (few jobs need it)

        self._cipher = AESGCM(AESGCM.generate_key(128))
        self._blocks: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        self._open: defaultdict[str, bytearray] = defaultdict(bytearray)
        self._size = self._count = 0
        try:
            self._file = tempfile.TemporaryFile(prefix="bulkexo-", buffering=0)  # noqa: SIM115 (see close)
        except OSError as error:
            _no_room(error)

    def add(self, tenant: str, row: Numbered) -> None:
        """One more row of a tenant."""
        block = self._open[tenant]
        block += orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        if len(block) >= BLOCK:
            self._write(tenant, self._open.pop(tenant))

    def read(self, tenant: str) -> Iterator[Numbered]:
        """A tenant's rows in their order; once all have been added. Several may be read side by side."""
        for number, start, size in self._blocks[tenant]:
            self._file.seek(start)
            yield from _rows(self._cipher.decrypt(number.to_bytes(12, "big"), self._file.read(size), None))
        yield from _rows(self._open[tenant])

    def close(self) -> None:
        """The file is gone."""
        self._file.close()

    def _write(self, tenant: str, block: bytearray) -> None:
        self._count += 1  # a number that is used once for a key, as the cipher wants it
        sealed = memoryview(self._cipher.encrypt(self._count.to_bytes(12, "big"), bytes(block), None))
        self._blocks[tenant].append((self._count, self._size, len(sealed)))
        self._size += len(sealed)
        try:
            while sealed:
                sealed = sealed[self._file.write(sealed) :]
        except OSError as error:
            _no_room(error)


def _rows(block: bytes | bytearray) -> Iterator[Any]:
    for line in bytes(block).splitlines():
        yield orjson.loads(line)


def _no_room(error: OSError) -> None:
    fail(
        tempfile.gettempdir(),
        f"The rows of each tenant cannot be put together here ({error.strerror}).",
        "Make room there, or name another folder in the variable TMPDIR (on Windows, TEMP).",
    )

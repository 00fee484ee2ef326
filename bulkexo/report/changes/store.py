"""The objects of two runs side by side in a database of SQLite that lives in a temporary file of its own: a
report of 200,000 mailboxes takes no more memory than one of 200."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from types import TracebackType
from typing import Any, Final

import orjson

from bulkexo.report.changes.differences import Known

SIDES: Final = ("before", "after")
CACHE_KB: Final = 16_000
_SORTED: Final = orjson.OPT_SORT_KEYS


@dataclass(frozen=True, slots=True)
class Kept:
    """An object of one of the runs. cmdlet, identity, tenant: of its item. known: the member by which it is
    known and its value, None if by all of them. columns: see columns_of."""

    cmdlet: str
    identity: str
    tenant: str
    known: dict[str, Any] | None
    columns: dict[str, Any]


class Store:
    """A context manager. Objects and items that failed are put in, then `join` is called, then the changes
    are read. An item is a text that is the same in both runs."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)

    def __enter__(self) -> Store:
        run = self._base.execute
        run(f"PRAGMA cache_size = -{CACHE_KB}")
        run("PRAGMA temp_store = FILE")
        run("PRAGMA journal_mode = OFF")
        run("PRAGMA synchronous = OFF")
        for side in SIDES:
            run(f"CREATE TABLE {side} (key BLOB NOT NULL, item TEXT, digest BLOB, text BLOB)")
            run(f"CREATE TABLE failed_{side} (item TEXT PRIMARY KEY) WITHOUT ROWID")
        run("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def fill(self, side: str, objects: Iterable[tuple[str, str, Known, Kept]]) -> None:
        """Take in the objects of a run. Each comes with its item, its cmdlet's label (see comparing) and by
        what it is known."""
        self._base.executemany(f"INSERT INTO {side} VALUES (?, ?, ?, ?)", map(_row, objects))  # noqa: S608

    def failed(self, side: str, items: Iterable[str]) -> None:
        """Take in the items of which a run does not tell what they would have returned."""
        rows = ((item,) for item in items)
        self._base.executemany(f"INSERT OR IGNORE INTO failed_{side} VALUES (?)", rows)  # noqa: S608

    def join(self) -> int:
        """Leave out what cannot be compared; the number of items that are. Of objects that share a key, each
        is known by all its values from then on."""
        run = self._base.execute
        for side in SIDES:
            run(f"CREATE INDEX by_item_{side} ON {side} (item)")
        left_out = run("SELECT item FROM failed_before UNION SELECT item FROM failed_after")
        count = 0
        with closing(self._base.cursor()) as cursor:
            for (item,) in left_out:
                count += 1
                for side in SIDES:
                    cursor.execute(f"DELETE FROM {side} WHERE item = ?", (item,))  # noqa: S608
        for side in SIDES:
            run(f"CREATE INDEX by_key_{side} ON {side} (key)")
        shared = " UNION ".join(
            f"SELECT key FROM {side} GROUP BY key HAVING count(*) > 1"  # noqa: S608
            for side in SIDES
        )
        run(f"CREATE TABLE shared AS {shared}")
        for side in SIDES:
            run(f"UPDATE {side} SET key = key || digest WHERE key IN (SELECT key FROM shared)")  # noqa: S608
        return count

    def count(self, side: str) -> int:
        """Objects of a run that are compared."""
        (number,) = self._base.execute(f"SELECT count(*) FROM {side}").fetchone()  # noqa: S608
        return int(number)

    def alone(self, side: str) -> Iterator[Kept]:
        """The objects that one of the runs has alone."""
        other = SIDES[side == SIDES[0]]
        query = (
            f"SELECT text FROM {side} WHERE NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {other} WHERE {other}.key = {side}.key) GROUP BY key ORDER BY item, text"
        )
        return (_kept(text) for (text,) in self._base.execute(query))

    def pairs(self) -> Iterator[tuple[Kept, Kept]]:
        """The objects that both have, and that differ."""
        query = (
            "SELECT before.text, after.text FROM after JOIN before USING (key) "
            "WHERE before.digest != after.digest ORDER BY after.item, after.text"
        )
        return ((_kept(one), _kept(other)) for one, other in self._base.execute(query))


def _row(each: tuple[str, str, Known, Kept]) -> tuple[bytes, str, bytes, bytes]:
    item, label, by, kept = each
    text = orjson.dumps([kept.cmdlet, kept.identity, kept.tenant, kept.known, kept.columns])
    digest = blake2b(orjson.dumps([item, kept.columns], option=_SORTED), digest_size=16).digest()
    place = item if by.local else kept.tenant
    own = blake2b(orjson.dumps([label, by.name, by.value, place]), digest_size=16).digest()
    if not by.name:
        own += digest
    return own, item, digest, text


def _kept(text: bytes) -> Kept:
    return Kept(*orjson.loads(text))

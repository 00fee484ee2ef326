"""The body of a reply, read within bounds: a hostile one costs a moment, and no memory."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bulkexo.redact import HIDDEN
from bulkexo.wire.message import Reply

REPLY_LIMIT = 128 << 20
"""Bytes of a reply, on the wire and unpacked: a page of 1,000 mailboxes with all properties is about 10 MB,
and ten of them make a batch."""

ERROR_LIMIT = 1 << 20
"""Bytes of a reply that is no success: it holds sentences."""

TEXT_LIMIT = 16 << 20
"""Bytes of one that is no JSON: the module that holds the key for secrets has a few million."""

NESTED_LIMIT = 2_000_000
"""Objects and arrays of a reply: ten pages of 1,000 mailboxes hold a quarter of that."""

VALUES_LIMIT = 10_000_000
"""Values of a reply: ten pages of 1,000 mailboxes hold half of that. Each takes some 60 bytes of memory."""

MEMBERS_LIMIT = 1000
"""Parts that a gzip may be made of: each takes time, be it empty."""

SMALL = 1 << 20
"""Bytes of a body that can hold neither too many objects nor too many values, whatever they are."""

STEP = 1 << 16
PACKED = frozenset({"gzip", "x-gzip", "deflate"})
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
GZIP_START = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Unread:
    """A body that was not read. reason: a sentence."""

    reason: str


DAMAGED = Unread("The reply came compressed, and damaged or cut off.")
TOO_LARGE = Unread(f"The reply was given up: it holds more than {REPLY_LIMIT >> 20} MB.")
TOO_MANY = Unread(
    f"The reply was given up: it holds more than {NESTED_LIMIT // 1_000_000} million objects, or "
    f"{VALUES_LIMIT // 1_000_000} million values."
)


def decode(reply: Reply, hidden: Sequence[str] = ()) -> Any:
    """The reply's body: parsed if it is JSON, else text, else Unread. Never raises: 403s declare NUL bytes as
    gzip, and what a proxy has unpacked still says that it is packed. Of an error that cannot be read the
    status is enough. hidden: texts in ASCII that are left out of it."""
    packing = reply.headers.get("content-encoding", "").strip().lower()
    good = reply.status < 300
    raw = _opened(reply.body, packing in PACKED, REPLY_LIMIT if good else ERROR_LIMIT)
    if isinstance(raw, Unread):
        return raw if good else ""
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    for text in hidden:
        raw = raw.replace(text.encode(), HIDDEN.encode())
    if not raw or raw.isspace():
        return ""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        if packing not in ("", "identity", *PACKED):
            return Unread(f"The reply came packed as {packing[:20]!a}, which was not asked for.")
        return _liberally(raw)


def _opened(body: bytes, packed: bool, limit: int) -> bytes | Unread:
    """The body unpacked, once it is known to be within bounds."""
    if not packed and len(body) < SMALL:
        return body
    size = nested = values = 0
    try:
        for part in _unpacking(body) if packed else _slices(body):
            size += len(part)
            nested += part.count(b"{") + part.count(b"[")
            values += part.count(b",")
            if size > limit:
                return TOO_LARGE
            if nested > NESTED_LIMIT or values > VALUES_LIMIT:
                return TOO_MANY
        return b"".join(_unpacking(body)) if packed else body
    except zlib.error:
        return DAMAGED if body.startswith(GZIP_START) else _opened(body, False, limit)


def _slices(body: bytes) -> Iterator[bytes]:
    return (body[start : start + STEP] for start in range(0, len(body), STEP))


def _unpacking(body: bytes) -> Iterator[bytes]:
    """What is in it, in pieces that take no memory to speak of; a gzip may be several, one after the other.
    Raises zlib.error."""
    unpacker = zlib.decompressobj(GZIP_OR_ZLIB)
    members = 1
    for piece in _slices(body):
        rest = piece
        while rest:
            if unpacker.eof:
                if rest[:1] != GZIP_START[:1]:
                    return
                members += 1
                if members > MEMBERS_LIMIT:
                    raise zlib.error
                unpacker = zlib.decompressobj(GZIP_OR_ZLIB)
            yield unpacker.decompress(rest, STEP)
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    if not unpacker.eof:
        raise zlib.error


def _liberally(raw: bytes) -> Any:
    """JSON with bytes that are no UTF-8, or the beginning of a text."""
    if raw.lstrip()[:1] in (b"{", b"["):
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(raw.decode("utf-8", "replace"))
    return raw[:TEXT_LIMIT].decode("utf-8", "replace")

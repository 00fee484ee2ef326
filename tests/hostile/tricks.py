"""What a hostile server can answer, and what the item's sentence must then say."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from functools import lru_cache

from tests.hostile.server import Asked, Hangup, Write, reply

GIGABYTE = 1 << 30
GZIP = "Content-Encoding: gzip"

Answer = Callable[[Asked], bytes]
"""The whole of a reply."""


@lru_cache
def bomb(repeated: bytes, count: int, start: bytes = b"", end: bytes = b"") -> bytes:
    """`start`, `repeated` so many times, and `end` as gzip: a thousandth in length, and soon made, since the
    packed form is repeated. Its checksum is wrong, which shows only at its end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    whole = repeated * 1000
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(whole) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(end) + packer.flush()
    return b"\x1f\x8b\x08" + bytes(7) + head + block * (count // 1000) + tail + bytes(8)


ZEROS = bomb(bytes(1 << 14), 2 * GIGABYTE >> 14)


def link(to: str) -> Answer:
    """A page whose next one is elsewhere; `{evil}` stands for the stranger, `{own}` for the service."""
    return lambda asked: reply(
        json.dumps({"value": [{"Name": "a"}], "@odata.nextLink": _filled(to, asked)}).encode()
    )


def redirect(status: str, to: str) -> Answer:
    """Elsewhere, the same."""
    return lambda asked: reply(b"", f"Location: {_filled(to, asked)}", status=status)


def _filled(text: str, asked: Asked) -> str:
    own = next(line for line in asked.head.decode().split("\r\n") if line.lower().startswith("host:"))
    return text.replace("{evil}", asked.evil).replace("{own}", own.partition(":")[2].strip())


ELSEWHERE = (
    "https://{evil}/x",
    "http://{evil}/x",
    "//{evil}/x",
    "https://{own}@{evil}/x",
    "https://{own}:pw@{evil}/x",
    "https://{evil}\\@{own}/x",
    "https://{evil}#@{own}/x",
    "https://{evil}?@{own}/x",
    "https:\\\\{evil}\\x",
    "\\\\{evil}/x",
    "https:///{evil}/x",
    "http://{own}/x",
    "https://{own}.{evil}/x",
    "https://\u0131{own}/x",
    "ftp://{evil}/x",
    "file:///etc/passwd",
    "javascript:alert(1)",
    " https://{evil}/x",
    "https://127.0.0.1:1/x",
    "https://localhost/x",
)
"""Where a token must not go."""

LINK = "next page on another host"
REDIRECT = "on to another address"
HTTP = "cannot be read as HTTP"
BROKEN = "lost"
LARGE = "more than 128 MB"
MANY = "million"
UNREADABLE = "not the JSON that was due"

ANSWERS: dict[str, tuple[str, Answer]] = {
    **{f"link-{number}": (LINK, link(to)) for number, to in enumerate(ELSEWHERE)},
    **{
        f"redirect-{number}": (
            REDIRECT,
            redirect(("301 Moved", "302 Found", "307 Temporary")[number % 3], to),
        )
        for number, to in enumerate(ELSEWHERE)
        if to.isascii()
    },
    "gzip-of-zeros": (LARGE, lambda _: reply(ZEROS, GZIP)),
    "zeros-in-an-error": ("refused Get-Mailbox", lambda _: reply(ZEROS, GZIP, status="403 Forbidden")),
    "gzip-in-gzip": (
        "was not asked for",
        lambda _: reply(gzip.compress(ZEROS), "Content-Encoding: gzip, gzip"),
    ),
    "hidden-gzip": (UNREADABLE, lambda _: reply(gzip.compress(ZEROS), GZIP)),
    "brotli": ("was not asked for", lambda _: reply(b"\x0b\x02\x80ab\x03", "Content-Encoding: br")),
    "zstd": ("was not asked for", lambda _: reply(b"\x28\xb5\x2f\xfd", "Content-Encoding: zstd")),
    "half-a-gzip": ("damaged or cut off", lambda _: reply(gzip.compress(b'{"value": []}')[:-9], GZIP)),
    "many-objects": (MANY, lambda _: reply(bomb(b"{},", 10_000_000, b'{"value":[', b"{}]}"), GZIP)),
    "many-numbers": (MANY, lambda _: reply(bomb(b"1,", 20_000_000, b'{"value":[', b"1]}"), GZIP)),
    "deep": (UNREADABLE, lambda _: reply(b'{"value":' + b"[" * 500_000 + b"]" * 500_000 + b"}")),
    "rather-deep": ("too deeply", lambda _: reply(b'{"value":' + b"[" * 800 + b"]" * 800 + b"}")),
    "endless-number": (UNREADABLE, lambda _: reply(b'{"value": [1e400]}')),
    "no-number": (UNREADABLE, lambda _: reply(b'{"value": [NaN]}')),
    "lone-surrogate": (UNREADABLE, lambda _: reply(b'{"value": ["\\ud800"]}')),
    "controls": (UNREADABLE, lambda _: reply(b"\x1b]0;title\x07\x1b[2J\x00\r\n")),
    "wide-header": (HTTP, lambda _: reply(b"{}", "X-Wide: " + "w" * (1 << 20))),
    "many-headers": (HTTP, lambda _: reply(b"{}", *[f"X-{number}: y" for number in range(50_000)])),
    "wide-reason": (HTTP, lambda _: reply(b"{}", status="200 " + "w" * (1 << 20))),
    "status-of-letters": (HTTP, lambda _: reply(b"{}", status="OK 200")),
    "status-of-nine-digits": (HTTP, lambda _: reply(b"{}", status="200000000 OK")),
    "no-http": (HTTP, lambda _: b"220 mail.test ESMTP ready\r\n\r\n" * 3),
    "http-2": (HTTP, lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "zero-bytes": (HTTP, lambda _: bytes(1 << 16)),
    "negative-length": (HTTP, lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"),
    "two-lengths": (HTTP, lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 99\r\n\r\n{}"),
    "chunk-of-letters": (HTTP, lambda _: chunked(b"xyz\r\n{}\r\n0\r\n\r\n")),
    "chunk-without-end": (BROKEN, lambda _: chunked(b"7fffffffffffffff\r\n{}")),
    "header-that-folds": (HTTP, lambda _: b"HTTP/1.1 200 OK\r\n folded\r\n\r\n"),
    "promised-size": (LARGE, lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}"),
    "cut-short": (BROKEN, lambda _: reply(b"x" * 1000)[:-500]),
}
"""Name → what the sentence says, and the answer. The connection is closed after each."""

COOKIE = "not: a name"

HARMLESS: dict[str, Answer] = {
    "honest": lambda _: reply(),
    "cookies": lambda _: reply(b'{"value": []}', *[f"Set-Cookie: c{n}={'v' * 200}" for n in range(100)]),
    "foreign-cookie": lambda asked: reply(b'{"value": []}', f"Set-Cookie: a=b; Domain={asked.evil}"),
    "odd-cookie": lambda _: reply(b'{"value": []}', f"Set-Cookie: {COOKIE}=x; Path=/"),
    "huge-number": lambda _: reply(b'{"value": [' + b"9" * 300 + b", -1e-400, 18446744073709551615]}"),
    "no-utf-8": lambda _: reply(b'{"value": ["\xff\xfe"]}'),
    "trailers": lambda _: chunked(b'd\r\n{"value": []}\r\n0\r\nX-Trailer: y\r\nAuthorization: x\r\n\r\n'),
    "early-hints": lambda _: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 50 + reply(),
    "same-member-twice": lambda _: reply(b'{"value": [1], "value": [2], "@odata.nextLink": ""}'),
    "odd-waits": lambda _: reply(b'{"value": []}', "Retry-After: 1e999", "Rate-Limit-Remaining: nan"),
}
"""What looks odd and is a success all the same."""


def chunked(body: bytes) -> bytes:
    """A reply in chunks, as they are given."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


async def play(asked: Asked, write: Write) -> None:
    """The trick that the row's identity names."""
    name = asked.identity.partition("@")[0]
    if name in ENDLESS:
        await ENDLESS[name](write)
    answer = HARMLESS.get(name) or ANSWERS[name][1]
    await write(answer(asked))
    if name not in HARMLESS:
        raise Hangup


async def drip(write: Write) -> None:
    """Byte by byte, for ever."""
    await write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{")
    while True:
        await write(b" ")
        await asyncio.sleep(0.05)


async def drip_headers(write: Write) -> None:
    """The same, before the reply has begun."""
    await write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await write(b"s")
        await asyncio.sleep(0.05)


async def interim(write: Write) -> None:
    """Nothing but interim replies."""
    while True:
        await write(b"HTTP/1.1 102 Processing\r\n\r\n" * 10)
        await asyncio.sleep(0.02)


async def silence(_: Write) -> None:
    """Nothing at all."""
    await asyncio.Event().wait()


ENDLESS = {"drip": drip, "drip-headers": drip_headers, "interim": interim, "silence": silence}

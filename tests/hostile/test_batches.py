"""Tricks inside a batch, pages without end, and cmdlets that must not run twice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.conftest import Seen, attack
from tests.hostile.server import Asked, Hangup, Hostile, Write, hostile, identity, reply
from tests.hostile.tricks import ELSEWHERE, GZIP, ZEROS

Inner = Callable[[dict[str, Any], str], Any]
"""The response to a request of a batch, from the one that is due and the stranger's origin."""


def _link(to: str) -> Inner:
    return lambda due, evil: {**due, "body": {"value": [], "@odata.nextLink": to.replace("{evil}", evil)}}


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _refused(**more: Any) -> Inner:
    return lambda due, _: {**due, "status": 400, **more}


INNER: dict[str, tuple[str, Inner]] = {
    **{
        f"link-{number}": ("next page on another host", _link(to))
        for number, to in enumerate(ELSEWHERE)
        if "{own}" not in to
    },
    "redirect": (
        "on to another address",
        lambda due, evil: {**due, "status": 302, "headers": {"Location": f"https://{evil}/x"}},
    ),
    "no-status": ("without a status", lambda due, _: {**due, "status": "fine"}),
    "odd-status": ("without a status", lambda due, _: {**due, "status": 99999999999999999999}),
    "no-response": ("without a response", lambda _, __: None),
    "no-object": ("without a response", lambda _, __: "response"),
    "other-id": ("without a response", lambda due, _: {**due, "id": "99"}),
    "deep": ("too deeply", lambda due, _: {**due, "body": {"value": _nested(600)}}),
    "text": ("not the JSON that was due", lambda due, _: {**due, "body": "\u001b[2J<html>"}),
    "number": ("not the JSON that was due", lambda due, _: {**due, "body": 5}),
    "long-error": ("xxxx", _refused(body={"error": {"message": "x" * 10**6}})),
    "odd-error": ("status 400", _refused(body={"error": [{"details": 5}]})),
    "odd-headers": ("status 400", _refused(headers=[["a", "b"]], body=None)),
}


async def inside(asked: Asked, write: Write) -> None:
    """A batch whose every response is tampered with in its own way; the honest ones are not, nor is whoever
    comes alone."""
    if "requests" not in asked.body:
        await write(reply())
        raise Hangup
    responses = []
    for each in asked.body["requests"]:
        due = {
            "id": each["id"],
            "status": 200,
            "headers": {},
            "body": {"value": [], "@adminapi.warnings": []},
        }
        name = identity(each["body"]).partition("+")[0]
        found = INNER[name][1](due, asked.evil) if name in INNER else due
        responses += [] if found is None else [found]
    await write(reply(json.dumps({"responses": responses}).encode()))
    raise Hangup


@contextmanager
def attacked(
    folder: Path,
    trick: Callable[[Asked, Write], Any],
    names: list[str],
    *options: str,
    cmdlet: str = "Get-Mailbox",
) -> Iterator[tuple[Hostile, Seen]]:
    (folder / "server").mkdir()
    with hostile(folder / "server", trick) as server:
        yield server, attack(server, folder / "run", names, *options, cmdlet=cmdlet)
        assert server.came == []


def test_each_item_of_a_batch_ends_for_itself(tmp_path: Path) -> None:
    """Several rounds, since the pace sends some items alone to see how that goes."""
    pairs = [(name, number) for number, trick in enumerate(INNER) for name in ("honest", trick)]
    rounds = [f"{name}+{turn}-{number}" for turn in range(5) for name, number in pairs]
    with attacked(tmp_path, inside, rounds) as (server, seen):
        assert seen.done.code == 1
        alone = {each.identity.partition("@")[0] for each in server.asked if "CmdletInput" in each.body}
        met = {name.partition("+")[0] for name in set(rounds) - alone}
        assert met == {"honest", *INNER}
        for name in set(rounds) - alone:
            line, trick = seen.lines[name], name.partition("+")[0]
            if trick == "honest":
                assert line["status"] == "succeeded", line
            else:
                assert line["status"] == "failed", line
                assert INNER[trick][0] in line["error"]["message"]
                assert line["error"]["message"].isprintable()
                assert len(line["error"]["message"]) < 5000


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (lambda number: ("a", [number]), "read already"),
        (lambda number: (f"{number % 3}", [number]), "read already"),
        (lambda number: (f"{number}", []), "empty pages in a row"),
    ],
    ids=["one", "circle", "empty"],
)
def test_pages_without_an_end(
    tmp_path: Path, page: Callable[[int], tuple[str, list[int]]], sentence: str
) -> None:
    numbers = itertools.count()

    async def trick(asked: Asked, write: Write) -> None:
        to, value = page(next(numbers))
        link = f"/adminapi/beta/x.y/InvokeCommand?$skiptoken={to}"
        found = {"value": value, "@odata.nextLink": link}
        if asked.identity.startswith("honest"):
            found = {"value": []}
        await write(reply(json.dumps(found).encode()))
        raise Hangup

    options = ("--batch-size", "1", "--concurrency", "1")
    with attacked(tmp_path, trick, ["endless", "honest"], *options) as (server, seen):
        assert len(server.asked) < 300
        assert seen.lines["endless"]["status"] == "failed"
        assert sentence in seen.lines["endless"]["error"]["message"]
        assert seen.lines["honest"]["status"] == "succeeded"


async def broken(asked: Asked, write: Write) -> None:
    """The answer is a bomb; whether the cmdlet ran, nobody knows."""
    await write(reply(ZEROS, GZIP))
    raise Hangup


def test_what_must_not_run_twice_is_unknown_after_a_reply_that_was_given_up(tmp_path: Path) -> None:
    options = ("--batch-size", "1", "--retries", "2")
    with attacked(tmp_path, broken, ["a", "b"], *options, cmdlet="Start-ManagedFolderAssistant") as (
        server,
        seen,
    ):
        assert seen.done.code == 1
        assert len(server.asked) == 2
        for line in seen.lines.values():
            assert (line["status"], line["attempts"]) == ("unknown", 1)
            assert "more than 128 MB" in line["error"]["message"]


def test_what_may_run_twice_is_tried_as_often_as_allowed(tmp_path: Path) -> None:
    with attacked(tmp_path, broken, ["a"], "--batch-size", "1", "--retries", "1") as (server, seen):
        assert len(server.asked) == 2
        assert (seen.lines["a"]["status"], seen.lines["a"]["attempts"]) == ("failed", 2)


def test_a_plain_reply_without_an_end_is_given_up(tmp_path: Path) -> None:
    """Memory may grow to what an honest batch can take, no further; another row is served meanwhile."""

    async def trick(asked: Asked, write: Write) -> None:
        if asked.identity.startswith("honest"):
            await write(reply())
            raise Hangup
        await write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b'{"value":"aaaaaa"' * (1 << 16)
        while True:
            await write(chunk[: 8 + (1 << 20)] + b"\r\n")

    with attacked(tmp_path, trick, ["endless", "honest"], "--batch-size", "1") as (_, seen):
        assert "more than 128 MB" in seen.lines["endless"]["error"]["message"]
        assert seen.lines["honest"]["status"] == "succeeded"
        assert seen.peak < 350

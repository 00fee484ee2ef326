"""bulkexo for programs: the engine of the command line, one tenant, as an asynchronous context manager."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack
from weakref import WeakSet

import anyio
from anyio.abc import TaskGroup

from bulkexo.client.engine import Engine
from bulkexo.client.errors import error_of
from bulkexo.client.inbox import Inbox, Outcomes
from bulkexo.client.listing import Listing, Objects
from bulkexo.client.recorded import Recorded
from bulkexo.client.setup import ClientOptions, Setup, setup
from bulkexo.client.sources import Fed, Lone, Pulled, Rows, Source
from bulkexo.embedded import sandbox
from bulkexo.job.calls import call
from bulkexo.model import Item, UsageError
from bulkexo.net.sessions import Sessions
from bulkexo.tenancy import WINDOW
from bulkexo.wire.doors import Host

__all__ = ["Client", "ClientOptions", "Objects", "Outcomes"]

OUTSIDE = "A client works inside its `async with` block: put the call there."
AHEAD = WINDOW
"""Items of a run that are read and whose outcomes the program has not taken yet, at the most."""


class Client:
    """One tenant, signed in to for as long as the block lasts:

        async with bulkexo.Client(tenant=…, client_id=…, certificate="app.pfx") as client:
            async for outcome in client.run(bulkexo.call("Set-Mailbox", Identity=name, …) for name in names):
                …

    All that is asked of it at the same time shares its batches, its pace and its sign-in. Options are those
    of `bulkexo run` by the same names (see ClientOptions); nothing comes from the environment or from
    profiles but by `from_environment` and `from_profile`.

    Raises TypeError for an option that there is not, UsageError for one that makes no sense.
    """

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        self._begin(setup(options, {}))

    def _begin(self, made: Setup) -> None:
        self._setup = made
        self._engines: dict[Host, Engine] = {}
        self._stack = AsyncExitStack()
        self._group: TaskGroup | None = None
        self._entered = self._open = False
        self._recorded: set[Recorded] = set()
        self._listings: WeakSet[Listing] = WeakSet()

    @classmethod
    def from_environment(cls, **options: Unpack[ClientOptions]) -> Self:
        """As the command line would have it: what is not given here comes from BULKEXO_* variables, and from
        the profile that BULKEXO_PROFILE names. Raises UsageError."""
        return cls._made(setup(options, os.environ))

    @classmethod
    def from_profile(cls, name: str, /, **options: Unpack[ClientOptions]) -> Self:
        """The same, with this profile of bulkexo.toml, as by `--profile`. Raises UsageError."""
        return cls._made(setup(options, os.environ, name))

    @classmethod
    def _made(cls, made: Setup) -> Self:
        client = cls.__new__(cls)
        client._begin(made)
        return client

    async def __aenter__(self) -> Self:
        """Sign in. Raises SignInError, or UsageError where the way to do it cannot be told."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise UsageError(
                "A client runs under asyncio, not under trio: start it by asyncio.run."
            ) from None
        if self._entered:
            raise UsageError("A client is entered once: make another one.")
        self._entered = True
        try:
            await self._begin_work()
        except BaseException:
            await self._end_work()
            raise
        self._open = True
        return self

    async def _begin_work(self) -> None:
        if self._setup.options.sandbox:
            there = await self._stack.enter_async_context(sandbox(self._setup.options.sandbox_options))
            self._setup = replace(self._setup, identity=there.identity)
        connection = self._setup.identity.connection
        self._sessions = Sessions([(connection, self._setup.options.concurrency)])
        await self._stack.enter_async_context(self._sessions)
        self._group = await anyio.create_task_group().__aenter__()
        await self._engine(Host.EXCHANGE).start()

    async def _end_work(self) -> None:
        """Cancel what is left and close all, whatever happens; without the error that led here, which would
        come out of the task group as a group of one."""
        try:
            if self._group is not None:
                self._group.cancel_scope.cancel()
                await self._group.__aexit__(None, None, None)
        finally:
            with anyio.CancelScope(shield=True):
                await self._stack.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send nothing more. What is in flight may end, for as long as `drain` says (30 s), unless this task
        is cancelled."""
        self._open = False
        for engine in self._engines.values():
            engine.close()
        for recorded in self._recorded:
            recorded.leave()
        try:
            if kind is None or not issubclass(kind, anyio.get_cancelled_exc_class()):
                await self._drained()
        finally:
            for listing in list(self._listings):
                listing.leave()
            await self._end_work()

    async def _drained(self) -> None:
        with anyio.move_on_after(self._setup.options.drain):
            for engine in list(self._engines.values()):
                await engine.ended()
            for recorded in list(self._recorded):
                await recorded.ended.wait()

    def run(self, items: Rows, *, journal: str | os.PathLike[str] | None = None) -> Outcomes:
        """Run items, and give their outcomes as they end.

        items: what `bulkexo.call` makes, from any iterable or asynchronous iterable, read as they are needed
        and never more than 2,000 ahead of the program (or two batches for each that may be in flight); a list
        of several is a row, whose steps go in order. `outcome.item.row` counts them from 1.

        journal: a folder, which then is the folder of a run like those of the command line. All items are
        read into it (`items.ndjson`) before the first is sent. If it holds the run of these very items, what
        has ended comes out again as it was recorded, and the rest is run.

        The loop over the outcomes raises StoppedError, SignInError or UsageError when the run cannot go on,
        and what the items' own iterable raises, each after the outcomes of what was sent.
        """
        self._require_open()
        if journal is not None:
            return self._record(items, Path(journal))
        if self._setup.options.keep_before:
            raise UsageError("keep_before keeps in a folder what there was before: give the run a journal.")
        inbox = Inbox()
        options = self._setup.options
        limit = max(AHEAD, 2 * options.concurrency * options.batch_size)
        engine = self._engine(Host.EXCHANGE)
        if isinstance(items, AsyncIterable):
            fed = Fed(items, inbox, limit, options)
            fed.wake = engine.wake
            engine.add(fed)
            self._tasks.start_soon(fed.feed)
        else:
            pulled = Pulled(items, inbox, limit, options)
            pulled.wake = inbox.on_leave = engine.wake
            engine.add(pulled)
        return Outcomes(inbox)

    def resume(self, journal: str | os.PathLike[str]) -> Outcomes:
        """Go on with a run that `run` began in this folder, without its items: they stand there. Outcomes of
        what has ended come out again as they were recorded. Raises in the loop what `run` raises."""
        self._require_open()
        return self._record(None, Path(journal))

    async def invoke(self, cmdlet: str | Item, /, **parameters: Any) -> list[Any]:
        """Run one cmdlet and return the objects that it returns, all pages of them.

        parameters: as `bulkexo.call` takes them. Raises FailedError if it fails: NotFoundError where there is
        no such object, UnknownFateError where it was sent and never answered; and StoppedError, SignInError
        or UsageError as `run`.
        """
        self._require_open()
        lone = Lone(_item(cmdlet, parameters), yes=self._setup.options.yes)
        self._engine(lone.host).add(lone)
        outcome = await lone.wait()
        if error := error_of(outcome):
            raise error
        return list(outcome.value)

    def stream(self, cmdlet: str | Item, /, **parameters: Any) -> Objects:
        """Run one cmdlet that returns many objects, and give them as they come. What the program has not read
        yet waits on disk. Raises in the loop what `invoke` raises."""
        self._require_open()
        listing = Listing(_item(cmdlet, parameters), yes=self._setup.options.yes)
        self._listings.add(listing)
        self._engine(listing.host).add(listing)
        return Objects(listing)

    @property
    def waiting(self) -> str:
        """Why nothing moves at the moment, as a sentence ("throttled by the service, next try in 41 s"); ""
        while something does, or nothing is to be done."""
        return next((why for engine in self._engines.values() if (why := engine.waiting)), "")

    def __repr__(self) -> str:
        connection = self._setup.identity.connection
        return f"<bulkexo.Client of {connection.tenant or 'a tenant'} at {connection.endpoint}>"

    def _engine(self, host: Host) -> Engine:
        if host not in self._engines:
            session = self._sessions.of(self._setup.identity.connection)
            self._engines[host] = Engine(self._setup, host, session, self._tasks, self._elsewhere)
        return self._engines[host]

    def _elsewhere(self, host: Host, row: list[Item], source: Source) -> None:
        self._engine(host).give(row, source)

    def _record(self, items: Rows | None, journal: Path) -> Outcomes:
        recorded = Recorded(self._setup, items, journal)
        self._recorded.add(recorded)

        async def run() -> None:
            try:
                await recorded.run()
            finally:
                self._recorded.discard(recorded)

        self._tasks.start_soon(run)
        return Outcomes(recorded.inbox)

    @property
    def _tasks(self) -> TaskGroup:
        if self._group is None:
            raise UsageError(OUTSIDE)
        return self._group

    def _require_open(self) -> None:
        if not self._open:
            raise UsageError(OUTSIDE)


def _item(cmdlet: str | Item, parameters: dict[str, Any]) -> Item:
    return cmdlet if isinstance(cmdlet, Item) else call(cmdlet, **parameters)

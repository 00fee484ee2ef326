"""The scheduler of a client for one service, fed by all who call it: they share its batches and its pace."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import anyio
from anyio.abc import TaskGroup

from bulkexo.client.setup import Setup
from bulkexo.client.sources import Source
from bulkexo.former import Formers
from bulkexo.judging import unless_same
from bulkexo.model import BulkexoError, Failure, Item, Outcome, Page, Status, StoppedError
from bulkexo.net.session import Session
from bulkexo.schedule import Before, Ending, Found, Tally
from bulkexo.schedule.waiting import waiting
from bulkexo.tenancy import Place, Surroundings, Tenancy
from bulkexo.wire.doors import Host, door

ENDED = "The client has ended: make another one."
LEFT = Ending(Status.SKIPPED, Failure("bulkexo:left", "", "Its run had ended by then, so it was not sent."))


@dataclass(slots=True)
class _Entry:
    """An item under way. item: as its caller numbers it."""

    item: Item
    source: Source


class Engine:
    """Signs in when there is something to do, and runs it, until `close`. After an error that ended it, the
    next call begins anew.

    Every item has a row of its own here, whatever row it is for its caller. elsewhere: takes a row that
    another service runs.
    """

    def __init__(
        self,
        setup: Setup,
        host: Host,
        session: Session,
        group: TaskGroup,
        elsewhere: Callable[[Host, list[Item], Source], None],
    ) -> None:
        self._setup = setup
        self._elsewhere = elsewhere
        self._host = host
        self._session = session
        self._group = group
        self._sources: deque[Source] = deque()
        self._given: deque[tuple[list[Item], Source]] = deque()
        self._row: deque[Item] = deque()
        self._rows = 0
        self._entries: dict[tuple[int, int], _Entry] = {}
        self._tenancy: Tenancy | None = None
        self._running = False
        self._closed = False
        self._idle = anyio.Event()
        self._before = _Before(self, Formers(judge=unless_same) if setup.options.skip_unchanged else None)

    @property
    def tally(self) -> Tally:
        """The counts since the engine began."""
        return self._tenancy.tally if self._tenancy else Tally()

    @property
    def waiting(self) -> str:
        """Why nothing moves, "" while something does or nothing is to be done."""
        return waiting(self.tally, anyio.current_time()) if self._entries else ""

    async def start(self) -> None:
        """Sign in now. Raises SignInError or UsageError."""
        await self._signed_in()

    def add(self, source: Source) -> None:
        """One more caller. Raises StoppedError if the client has ended."""
        if self._closed:
            raise StoppedError(ENDED)
        self._sources.append(source)
        self._run()

    def give(self, row: list[Item], source: Source) -> None:
        """A row of a caller whose others go elsewhere."""
        self._given.append((row, source))
        self._run()

    def _run(self) -> None:
        if not self._running:
            self._running = True
            self._group.start_soon(self._serve)
        self.wake()

    def wake(self) -> None:
        """There may be more to take."""
        if self._tenancy is not None:
            self._tenancy.wake()

    def close(self) -> None:
        """Send nothing more; what is in flight may end."""
        self._closed = True
        if self._tenancy is not None:
            self._tenancy.stop()

    async def ended(self) -> None:
        """Return when nothing is under way any more."""
        while self._running:
            await self._idle.wait()

    async def _serve(self) -> None:
        self._idle = anyio.Event()
        error: BulkexoError = StoppedError(ENDED)
        try:
            tenancy = await self._signed_in()
            if not self._closed:
                await tenancy.run(self)
        except BulkexoError as caught:
            error = caught
        finally:
            if self._tenancy is not None:
                self._tenancy.remember()
            self._tenancy = None  # one that has ended cannot go on
            self._running = False
            self._fail(error)
            self._idle.set()

    async def _signed_in(self) -> Tenancy:
        if self._tenancy is None:
            around = Surroundings(
                run_id=str(uuid.uuid4()),
                sink=self._take,
                keep=self._keep,
                announce=_nothing_kept,
                withdraw=_nothing_kept,
                decide=None,
                past=None,
                note=self._setup.tell,
                hosts=(self._host,),
                secrets_later=True,
                shared=True,
                before=self._before,
            )
            tenancy = Tenancy(Place("", self._setup.options, self._setup.identity), around)
            await tenancy.sign_in()
            await tenancy.open(self._session)
            self._tenancy = tenancy
        return self._tenancy

    def _fail(self, error: BaseException) -> None:
        waiting = [source for _, source in self._given]
        open_ones = [entry.source for entry in self._entries.values()]
        sources = {id(source): source for source in (*self._sources, *waiting, *open_ones)}
        for held in (self._sources, self._given, self._entries, self._row):
            held.clear()
        for source in sources.values():
            source.fail(error)

    def __iter__(self) -> Engine:
        return self

    def __next__(self) -> Item | None:
        """The next item: callers take turns, a row at a time. None while nobody has any."""
        while not self._row:
            if not self._next_row():
                return None
        return self._row.popleft()

    def _next_row(self) -> bool:
        if self._given:
            self._open(*self._given.popleft())
            return True
        for _ in range(len(self._sources)):
            source = self._sources.popleft()
            try:
                row = source.take()
            except StopIteration:
                continue  # its outcomes are still to come; no more of its items
            self._sources.append(source)
            if row is None:
                continue
            if (there := door(row[0]).host) is not self._host:
                self._elsewhere(there, row, source)
                continue
            self._open(row, source)
            return True
        return False

    def _open(self, row: list[Item], source: Source) -> None:
        self._rows += 1
        for item in row:
            self._entries[self._rows, item.step] = _Entry(item, source)
            self._row.append(replace(item, row=self._rows))

    def wanted(self, item: Item) -> bool:
        """Whether whoever gave an item still wants it."""
        return not self._entries[item.row, item.step].source.left

    def _take(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            entry = self._entries.pop((outcome.item.row, outcome.item.step))
            entry.source.ended(replace(outcome, item=entry.item))

    async def _keep(self, pages: Sequence[Page]) -> None:
        for page in pages:
            entry = self._entries[page.item.row, page.item.step]
            await entry.source.page(replace(page, item=entry.item))


class _Before:
    """What comes before an item: whether it is still wanted, and what `skip_unchanged` asks."""

    def __init__(self, engine: Engine, then: Before | None) -> None:
        self._engine = engine
        self._then = then

    def question(self, item: Item) -> Item | Ending | None:
        """See schedule.Before."""
        if not self._engine.wanted(item):
            return LEFT
        return self._then.question(item) if self._then else None

    def answer(self, item: Item, found: Found) -> Ending | None:
        """See schedule.Before."""
        return self._then.answer(item, found) if self._then else None


async def _nothing_kept(items: Sequence[Item]) -> None:
    """Without a journal nothing is announced."""

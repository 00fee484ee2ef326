"""A run of a program, recorded in a folder as one of the command line: the same files, the same promises."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any, BinaryIO

import anyio
import anyio.lowlevel
import orjson

from bulkexo.client.inbox import Inbox
from bulkexo.client.setup import Setup
from bulkexo.client.sources import Rows, each, row_of
from bulkexo.goingon import changed, past_of
from bulkexo.job import Checked, Job, load
from bulkexo.journal import Past, RunFolder, lines
from bulkexo.journal.files import Appending, rewrite_failed
from bulkexo.journal.lock import lock
from bulkexo.model import BulkexoError, Item, JobError, Outcome, SignInError, StoppedError, UsageError
from bulkexo.run import Report, Run, Task
from bulkexo.schedule import Tally
from bulkexo.tenancy import Place
from bulkexo.tenants import record

ITEMS = "items.ndjson"
NEW: Mapping[str, Any] = {}
"""The run.json of a run that is not there yet."""
AHEAD = 1000
"""Outcomes that wait for the program, before the run waits for it."""
BLOCK = 1 << 16
"""Bytes of items that are written in one go."""


class Recorded:
    """items: None to go on with what stands in the folder."""

    def __init__(self, setup: Setup, items: Rows | None, journal: Path) -> None:
        self.inbox = Inbox()
        self.ended = anyio.Event()
        self._setup = setup
        self._items = items
        self._folder = RunFolder(journal)
        self._file = journal / ITEMS
        self._room = anyio.Event()
        self._run: Run | None = None
        self.inbox.taken = self._taken
        self.inbox.on_leave = self.leave

    def leave(self) -> None:
        """Nobody reads any more: what is in flight may end, and the folder can be gone on with."""
        self.inbox.left = True
        self._room.set()
        if self._run is not None:
            self._run.stop("The program left the run.")

    async def run(self) -> None:
        """The run from its items to its end, which is told in the inbox."""
        error: BaseException | None = StoppedError("The run was cut off: with its journal it goes on.")
        try:
            await self._locked()
            error = None
        except JobError as wrong:
            error = UsageError(str(wrong))
        except Exception as caught:  # ours, or of the program's items: the program is to hear of it
            error = caught
        finally:
            self.inbox.end(error)
            self.ended.set()

    async def _locked(self) -> None:
        try:
            self._folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"The journal {self._folder.path} cannot be made ({error.strerror}). Name a folder "
                "where you may write."
            ) from None
        with lock(self._folder.path):
            if self._folder.run_json.exists():
                await self._go_on()
                return
            if self._items is None:
                self._folder.read()  # raises: there is no run
            self._folder.require_no_run()
            try:
                count, _ = await self._spool(self._file)
                if count and not self.inbox.left:
                    job = load(self._file)
                    await self._execute(job, await anyio.to_thread.run_sync(job.check))
            finally:
                if not self._folder.run_json.exists():  # nothing was sent: leave nothing behind
                    self._file.unlink(missing_ok=True)

    async def _go_on(self) -> None:
        """What has ended comes out again, then the rest is run."""
        first = self._folder.read()
        job, checked = await self._same_job(first)
        past = await anyio.to_thread.run_sync(past_of, self._folder, first, job, checked)
        past.choose(self._folder.read_chosen(checked.items))
        rewrite_failed(self._folder, past, job.items(), job.columns, job.secret_columns)
        with self._folder.results.open("rb") as results:
            for number, item in enumerate(job.items()):
                if not number % 100:
                    await anyio.lowlevel.checkpoint()
                if self.inbox.left:
                    return
                if past.ended(item):
                    await self._put([_outcome(past, item, results)])
        await self._execute(job, checked, past, first)

    async def _same_job(self, first: dict[str, Any]) -> tuple[Job, Checked]:
        """The job of the folder, whose items are those that are given, if any are. Raises UsageError."""
        try:
            own = Path(first["job"]["path"])
        except (KeyError, TypeError):
            raise UsageError(
                "The run.json of this run lacks what is needed to go on. Name another journal."
            ) from None
        if own.name != ITEMS or not self._file.exists():
            raise UsageError(
                f"{self._folder.path} holds a run of {own.name}, which no program began. Go on with it by "
                f"`bulkexo resume {self._folder.path}`."
            )
        if own != self._file.absolute():
            raise UsageError(
                f"The run of {self._folder.path} began as {own.parent}: put the folder back, or link to it "
                "from there."
            )
        if self._items is not None:
            await self._require_same()
        job = load(self._file)
        checked = await anyio.to_thread.run_sync(job.check)
        if others := changed(first, job):
            raise UsageError(f"{' and '.join(others)} changed since the run began. Put back what it was.")
        return job, checked

    async def _require_same(self) -> None:
        fresh = self._file.with_suffix(".ndjson.new")
        try:
            _, digest = await self._spool(fresh)
        finally:
            fresh.unlink(missing_ok=True)
        if not self.inbox.left and digest != await anyio.to_thread.run_sync(_digest, self._file):
            raise UsageError(
                f"{self._folder.path} holds a run of other items than these. Go on with that one by "
                f"client.resume({str(self._folder.path)!r}), or give these a journal of their own."
            )

    async def _spool(self, path: Path) -> tuple[int, str]:
        """Write the items to a file, a line each; how many rows, and the SHA-256 of it. Raises UsageError,
        and what the items raise."""
        digest, count, steps = hashlib.sha256(), 0, 0
        given = () if self._items is None else self._items
        async with aclosing(each(given)) as rows:
            with closing(_ItemFile(path)) as file:
                async for given_row in rows:
                    if self.inbox.left:
                        break
                    row = row_of(given_row, count + 1, yes=self._setup.options.yes)
                    steps = steps or len(row)
                    _require_steps(row, steps)
                    count += 1
                    piece = b"".join(_line(item, alone=steps == 1) for item in row)
                    digest.update(piece)
                    file.write(piece)
                await anyio.to_thread.run_sync(file.end)
        return count, digest.hexdigest()

    async def _execute(
        self, job: Job, checked: Checked, past: Past | None = None, first: Mapping[str, Any] = NEW
    ) -> None:
        setup = self._setup
        settings = {**setup.words.stated(), "set": []}
        kept = {name: value for name, value in first.items() if name != "profiles"}
        task = Task(
            job,
            checked,
            setup.options,
            self._folder,
            settings,
            past,
            resumed=past is not None,
            first=kept,
            profiles=record([setup.tenant]),
        )
        if self.inbox.left:
            return
        place = Place("", setup.options, setup.identity)
        self._run = Run(task, [place], _Watch(setup.tell), tap=self._put, signals=False)
        _end(await self._run.execute())

    async def _put(self, outcomes: Sequence[Outcome]) -> None:
        """To the program; waits while it is far behind, as many replies may at the same time."""
        self.inbox.put(outcomes)
        while len(self.inbox) >= AHEAD and not self.inbox.left:
            if self._room.is_set():
                self._room = anyio.Event()
            await self._room.wait()

    def _taken(self) -> None:
        self._room.set()


def _require_steps(row: Sequence[Item], steps: int) -> None:
    """Raises UsageError for a row of another number of steps than those before it."""
    if len(row) != steps:
        raise UsageError(
            f"Item {row[0].row} has {len(row)} steps, and those before it {steps}: with a journal all have "
            "the same number. Leave the journal out, or run them apart."
        )


class _ItemFile:
    """The file of the items while it is written. Raises UsageError where the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._block = bytearray()
        try:
            self._file = Appending(path, keep=0)
        except OSError as error:
            raise self._refused(error) from None

    def write(self, piece: bytes) -> None:
        """Some more of it."""
        self._block += piece
        if len(self._block) >= BLOCK:
            self._write()

    def end(self) -> None:
        """Return when the disk has it: what goes on with the run needs it."""
        self._write()
        try:
            self._file.sync()
        except OSError as error:
            raise self._refused(error) from None

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def _write(self) -> None:
        try:
            self._file.append(bytes(self._block))
        except OSError as error:
            raise self._refused(error) from None
        self._block.clear()

    def _refused(self, error: OSError) -> UsageError:
        reason = error.strerror or error
        return UsageError(
            f"The items cannot be kept in {self._path} ({reason}). Make room, or name another journal."
        )


def _line(item: Item, *, alone: bool) -> bytes:
    """An item as a line of an NDJSON job. Raises UsageError for what may stand in no file."""
    if hidden := sorted(item.secrets.intersection(item.parameters)):
        raise UsageError(
            f"{item.cmdlet} has a secret ({', '.join(hidden)}), which is kept in no folder: run it without a "
            "journal."
        )
    document = {
        "cmdlet": item.cmdlet,
        "parameters": item.parameters,
        **({} if alone else {"row": item.row, "step": item.step}),
        **({"select": item.select} if item.select else {}),
        **({"repeat": item.repeat} if item.repeat else {}),
        **({"api": item.api} if item.api else {}),
        **({} if item.tag is None else {"tag": item.tag}),
    }
    try:
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        raise UsageError(
            f"Item {item.row} cannot be kept as JSON: give it a tag of JSON, a text or a "
            "number, or leave the journal out."
        ) from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _outcome(past: Past, item: Item, results: BinaryIO) -> Outcome:
    results.seek(past.offsets[past.number(item.row, item.step)])
    try:
        return lines.outcome(orjson.loads(results.readline()), item)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"results.ndjson has a line for row {item.row} that cannot be read ({error})."
        ) from None


def _end(report: Report) -> None:
    """Raise what kept a run from its end."""
    if report.state != "complete":
        error: type[BulkexoError] = SignInError if report.exit_code == 4 else StoppedError
        raise error(report.reason)


class _Watch:
    """Tells a program what a person should know; nobody is asked."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.note = tell

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """The program sees the outcomes themselves."""

    def stopping(self, batches: int, drain: float) -> None:
        """It was the program that stopped it."""

    async def decide(self, item: Item, reason: str) -> bool:
        """Nobody is there to say so."""
        return False

    async def approve(self, question: str) -> bool:
        """Nobody is there to say so."""
        return False

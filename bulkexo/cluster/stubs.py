"""What a tenant on a worker is surrounded by: what the Run gives it where it runs at home, asked for over the
line. Floor 4."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from bulkexo.cluster.feeder import Feeder
from bulkexo.cluster.messages import Share, SupersededError
from bulkexo.cluster.outbox import Outbox
from bulkexo.confidant import Confidant
from bulkexo.model import Item, Outcome, StoppedError
from bulkexo.reading import formers
from bulkexo.schedule import Decide
from bulkexo.tenancy import Surroundings


class Stubs:
    """going: whether the tenant is still this worker's. Each batch asks it here, before it is announced."""

    def __init__(self, outbox: Outbox, feeder: Feeder, going: Callable[[], bool]) -> None:
        self._outbox = outbox
        self._feeder = feeder
        self._going = going
        self._formers: list[tuple[Item, str, object, bool]] = []
        self._announced = False
        self._unwritten = False  # outcomes may be, that came after something was announced

    def around(self, share: Share, decide: Decide) -> Surroundings:
        """For a Tenancy."""
        keep = self._former if share.options.keep_before else None
        planned, unchanged = share.before == "plan", share.before == "unchanged"
        return Surroundings(
            run_id=share.run_id,
            sink=self._sink,
            keep=self._outbox.keep,
            announce=self._announce,
            withdraw=self._withdraw,
            decide=decide if share.decide else None,
            past=self._feeder,
            note=self._outbox.note,
            hosts=share.hosts,
            secure=share.secure,
            secrets_later=share.secrets_later,
            ahead=share.ahead,
            before=formers(keep, planned=planned, unchanged=unchanged),
            hours=share.hours,
            confidant=Confidant(),  # of this tenant on this worker
        )

    async def _sink(self, outcomes: Sequence[Outcome]) -> None:
        self._unwritten = self._announced or self._feeder.recovered
        await self._outbox.ended(outcomes)

    async def _announce(self, items: Sequence[Item]) -> None:
        """With nothing to announce, what has ended comes first where a crash could otherwise leave open what
        was announced (see Results.announce)."""
        if not self._going():
            raise SupersededError("This worker has lost the tenant.")
        taken, self._formers = self._formers, []
        if items or taken or self._unwritten:
            self._announced = self._announced or bool(items)
            self._unwritten = False
            await self._outbox.announce(items, taken)

    async def _withdraw(self, items: Sequence[Item]) -> None:
        with contextlib.suppress(StoppedError):
            await self._outbox.announce(items, withdrawn=True)

    def _former(self, item: Item, twin: str, before: Any, *, whole: bool) -> None:
        self._formers.append((item, twin, before, whole))

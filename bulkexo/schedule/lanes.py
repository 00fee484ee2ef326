"""Which item may go now: the order of one mailbox, and of the steps of one row. Pure; nothing waits here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from bulkexo.choices import Order
from bulkexo.model import BY_RULE, Earlier, Ended, Failure, Item, Status, UnboundError
from bulkexo.redact import secret_texts
from bulkexo.schedule.before import Ending
from bulkexo.schedule.paging import Paging
from bulkexo.wire.doors import INVOKE, QUESTIONS, Call, Door, call, door
from bulkexo.wire.repeat import question


@dataclass(slots=True, eq=False)
class Ticket:
    """An item on its way through the scheduler: what was tried, and which tickets wait for it.

    door: where it goes out. waiting: tickets that must end before this one may go. row: how the steps of its
    row have ended, shared by its tickets, once there are several; before: those that ended in an earlier
    process. unsent: why it ends without being sent, and as what; None if it goes. ended: how it has.
    failures: attempts that count against the retries. faults: status 500 among them.
    absent: attempts whose object was not found yet. unreached: attempts that never left.
    refused_token: the one it was last refused with, "" for none.
    started: first sending, seconds since the epoch; began: the same on the loop's clock.
    unsettled: an earlier sending may have taken effect. recovered: an earlier process may have sent it, and
    that is not settled yet. announced: the journal knows, or will know, that it is sent.
    asking: the next call asks whether the effect is there; asked: how often that was done. done_before: how
    the service said that it is there.
    link: the next page to ask for; paging: of the pages before it, None where there are none.
    looked: whether it is known what is read before it is sent; reading: that read, while it is to be made.
    """

    item: Item
    request_id: str
    lane: str
    door: Door = INVOKE
    waiting: int = 0
    row: dict[int, Ended] | None = None
    before: Earlier | None = None
    unsent: Ending | None = None
    ended: Ended | None = None
    previous_step: Ticket | None = None
    followers: list[Ticket] | None = None
    apart: bool = False
    attempts: int = 0
    failures: int = 0
    faults: int = 0
    absent: int = 0
    unreached: int = 0
    refused_token: str = ""
    started: float | None = None
    began: float = 0.0
    link: str = ""
    paging: Paging | None = None
    unsettled: bool = False
    recovered: bool = False
    announced: bool = False
    asking: bool = False
    asked: int = 0
    done_before: Failure | None = None
    looked: bool = False
    reading: Item | None = None

    @property
    def in_doubt(self) -> bool:
        """Whether it may have taken effect already."""
        return self.recovered or self.unsettled

    def call(self) -> Call:
        """What goes over the wire for this ticket now."""
        item = self.item
        if self.reading is not None:
            return _discreet(call(self.reading, self._own_id(1 << 46)), item)
        if self.asking and (asked := question(item.cmdlet, item.identity, item.parameters)):
            own_id, where = self._own_id(1 << 47), QUESTIONS[self.door.host]
            return _discreet(Call(own_id, asked[0], asked[1], door=where), item)
        return call(item, self.request_id, self.link)

    def _own_id(self, bit: int) -> str:
        """The id of another call than the item's own, which can be in doubt."""
        return f"{self.request_id[:-12]}{int(self.request_id[-12:], 16) | bit:012x}"


class Lanes:
    """Tickets that are open, and among them those that may go: how many, `open` and `ready`.

    Items of one lane (the same identity, case ignored) are never out together and keep their order; a
    later step waits for the earlier one, and then its rule decides whether it goes: without one it is skipped
    when an earlier one has failed. Which mailboxes are the same under two spellings (alias and address)
    cannot be told here.
    """

    def __init__(self, order: Order = Order.IDENTITY) -> None:
        self._order = order
        self._last_in_lane: dict[str, Ticket] = {}
        self._last_added: Ticket | None = None
        self._ready: dict[Door, deque[Ticket]] = {}
        self.open = 0
        self.ready = 0

    def add(
        self, item: Item, request_id: str, *, recovered: bool = False, before: Earlier | None = None
    ) -> list[Ticket]:
        """Open a ticket for the next item of the job; returns those that end unsent by it (its own).

        recovered: an earlier process may have sent it. before: the steps of its row that ended there.
        """
        lane = self._lane(item)
        ticket = Ticket(item, request_id, lane, door(item))
        ticket.before = before
        if recovered:
            ticket.recovered = ticket.announced = ticket.looked = True
        self.open += 1
        earlier = self._last_added
        self._last_added = ticket
        if item.step > 1 and earlier is not None and earlier.item.row == item.row:
            self._join(ticket, earlier)
        if lane:
            ahead = self._last_in_lane.get(lane)
            self._last_in_lane[lane] = ticket
            if ahead is not None and ahead is not ticket.previous_step:
                self._follow(ticket, ahead)
        if ticket.waiting:
            return []
        if (item.step > 1 or item.rule is not None) and not self._ready_to_go(ticket):
            return [ticket, *self.end(ticket)]
        self._queue(ticket.door).append(ticket)
        self.ready += 1
        return []

    def _join(self, ticket: Ticket, earlier: Ticket) -> None:
        """A ticket is a later step of the same row as another."""
        if earlier.row is None:
            earlier.row = {earlier.item.step: earlier.ended} if earlier.ended else {}
        ticket.row = earlier.row
        if earlier.ended is None:
            ticket.previous_step = earlier
            self._follow(ticket, earlier)

    def waiting(self) -> Iterator[Ticket]:
        """Those that may go now, as they are."""
        return chain.from_iterable(self._ready.values())

    def take(self, limit: int) -> list[Ticket]:
        """Up to `limit` tickets of one door that may go together; one that must go apart goes alone. The
        doors take turns."""
        here = next(iter(self._ready), None)
        if here is None:
            return []
        queue = self._ready.pop(here)
        taken = [queue.popleft()]
        if not (here.alone or taken[0].apart):
            while queue and len(taken) < limit and not queue[0].apart:
                taken.append(queue.popleft())
        if queue:
            self._ready[here] = queue  # behind the other doors
        self.ready -= len(taken)
        return taken

    def give_back(self, ticket: Ticket) -> None:
        """A ticket that was taken may go again, before all others of its door."""
        self._queue(ticket.door).appendleft(ticket)
        self.ready += 1

    def end(self, ticket: Ticket, ended: Ended | None = None) -> list[Ticket]:
        """Close a ticket; returns the later steps that end with it, unsent, in order. ended: how, None for
        one that ends unsent itself."""
        closed = self._close(ticket, ended)
        for each in closed:  # grows: a lane can hold a thousand doomed steps, one behind another
            closed += self._close(each, None)
        return closed

    def _close(self, ticket: Ticket, ended: Ended | None) -> list[Ticket]:
        """Let those behind the ticket go; returns those of them that must end unsent."""
        ticket.ended = ended or _unsent(ticket)
        if ticket.row is not None:
            ticket.row[ticket.item.step] = ticket.ended
        self.open -= 1
        if self._last_in_lane.get(ticket.lane) is ticket:
            del self._last_in_lane[ticket.lane]
        unsent: list[Ticket] = []
        if ticket.followers is None:
            return unsent
        for follower in ticket.followers:
            follower.waiting -= 1
            if follower.previous_step is ticket:
                follower.previous_step = None
            if follower.waiting:
                continue
            if self._ready_to_go(follower):
                self._queue(follower.door).append(follower)
                self.ready += 1
            else:
                unsent.append(follower)
        ticket.followers = None
        return unsent

    def _ready_to_go(self, ticket: Ticket) -> bool:
        """Whether a ticket that waits for nothing may go, with what it takes from the steps before it."""
        item = ticket.item
        if item.step > 1 or item.rule is not None:
            ticket.unsent = _against(ticket, {**(ticket.before or {}), **(ticket.row or {})})
        return ticket.unsent is None

    def _queue(self, door: Door) -> deque[Ticket]:
        queue = self._ready.get(door)
        if queue is None:
            queue = self._ready[door] = deque()
        return queue

    def _follow(self, ticket: Ticket, ahead: Ticket) -> None:
        ticket.waiting += 1
        if ahead.followers is None:
            ahead.followers = []
        ahead.followers.append(ticket)

    def _lane(self, item: Item) -> str:
        if self._order is not Order.IDENTITY:
            return "" if self._order is Order.NONE else "*"
        if item.identity:
            return item.identity.casefold()
        if item.pending:
            return ""  # which object it is shows later
        # Without an identity a Set- concerns the one object of its kind, such as the organization's settings.
        return item.cmdlet.lower() if item.cmdlet.lower().startswith("set-") else ""


def _discreet(other: Call, item: Item) -> Call:
    """Another call than the item's own, which may be asked by its secrets."""
    return replace(other, hidden=secret_texts(item)) if item.secrets else other


def _against(ticket: Ticket, earlier: Earlier) -> Ending | None:
    """Why a ticket is not to be sent, and how it ends so; None if it goes, as it is bound now."""
    item = ticket.item
    failed = any(not each.status.good and not each.rule for each in earlier.values())
    if item.rule is None:
        return Ending(Status.SKIPPED, _earlier(item)) if failed else None
    try:
        if against := item.rule.against(item, earlier):
            reason = f"Step {item.step} was left out. {against}"
            return Ending(Status.SKIPPED, _earlier(item) if failed else Failure(BY_RULE, "", reason))
        ticket.item = item.rule.bind(item, earlier)
    except UnboundError as error:
        reason = f"Step {item.step} was not sent. {error}"
        return Ending(Status.FAILED, Failure("bulkexo:earlier-value", "", reason))
    return None


def _earlier(item: Item) -> Failure:
    reason = f"Step {item.step} was not sent: an earlier step of the row did not succeed."
    return Failure("bulkexo:earlier-step", "", reason)


def _unsent(ticket: Ticket) -> Ended:
    ending = ticket.unsent or Ending(Status.SKIPPED)
    return Ended(ending.status, rule=ending.error is not None and ending.error.code == BY_RULE)

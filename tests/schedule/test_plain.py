"""A plain ticket whose cmdlet ran is ended by the short way, and that comes to the same as the long one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import looptime
from hypothesis import example, given
from hypothesis import strategies as st

from bulkexo.choices import Order
from bulkexo.job.sequel import Sequel, StepRule
from bulkexo.model import Item, Outcome, Page
from bulkexo.pace import Backoff
from bulkexo.schedule import Rules, Tally, clock
from bulkexo.schedule.desk import Desk, Fates
from bulkexo.schedule.paging import Paging
from bulkexo.wire import Action, Verdict

from .world import item

READ = item(1, "Get-Mailbox")
STATES = st.fixed_dictionaries(
    {},
    optional={
        "attempts": st.integers(1, 3),
        "started": st.just(5.0),
        "began": st.just(-2.0),
        "failures": st.just(1),
        "refused_token": st.just("x"),
        "unsettled": st.booleans(),
        "announced": st.booleans(),
        "asking": st.booleans(),
        "asked": st.just(1),
        "reading": st.just(READ),
        "link": st.just("https://service.test/next"),
        "paging": st.just(1),
    },
)
VERDICTS = st.builds(
    Verdict,
    st.just(Action.DONE) | st.sampled_from(Action),
    st.sampled_from([200, 201]),
    st.sampled_from([(), [], [{"Name": "ada"}], [1, 2]]),
    st.sampled_from([(), ["Look out."]]),
    request_id=st.sampled_from([None, "", "of the service"]),
    link=st.just("") | st.just("https://service.test/next"),
)
CMDLETS = st.sampled_from(["Set-Mailbox", "New-Mailbox", "Get-EXOMailbox", "Get-MailboxStatistics"])


async def _taken(_: Sequence[Page]) -> None:
    """Pages go nowhere here."""


def sorted_by(
    short: bool, what: Item, state: Mapping[str, Any], verdict: Verdict, strict: bool
) -> tuple[Any, ...]:
    """What becomes of a ticket and of the one behind it in its lane."""
    desk = Desk(Order.IDENTITY, Rules(strict=strict), Backoff(lambda: 0.5), lambda _: None, _taken, Tally())
    desk.lanes.add(what, "mine")
    desk.lanes.add(item(2, identity=what.identity), "behind")
    (ticket,) = desk.lanes.take(1)
    for name, value in state.items():
        setattr(ticket, name, Paging(pages=1, warnings={"Seen.": None}) if name == "paging" else value)
    if short:
        fates = desk.sort([ticket], [verdict])
    else:
        fates = Fates()
        desk._sort(ticket, verdict, clock.now(), fates)
    left = [each.request_id for each in desk.lanes.waiting()]
    return told(fates), left, desk.lanes.open, len(list(desk.later)), ticket.ended


def told(fates: Fates) -> list[Any]:
    ended = [tuple(getattr(each, name) for name in Outcome.__slots__) for each in fates.ended]
    rest = [[each.request_id for each in group] for group in (fates.paging, fates.at_once, fates.sign_in)]
    return [ended, [astuple(page)[1:] for page in fates.pages], rest, len(fates.undecided), fates.claims]


@given(CMDLETS, STATES, VERDICTS, st.booleans(), st.booleans())
@example(
    "Set-Mailbox", {"attempts": 1, "started": 5.0, "began": -2.0}, Verdict(Action.DONE, 200), False, False
)
def test_both_ways_end_alike(
    cmdlet: str, state: Mapping[str, Any], verdict: Verdict, ruled: bool, strict: bool
) -> None:
    rule = StepRule(Sequel(), ()) if ruled else None
    what = Item(1, 1, cmdlet, "ada", {"Identity": "ada"}, {}, rule=rule)

    async def both() -> None:
        short = sorted_by(True, what, state, verdict, strict)
        assert short == sorted_by(False, what, state, verdict, strict)

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(both())

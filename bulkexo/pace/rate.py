"""Items per second: hover at the measured allowance, and measure it again with a probe of one now and then.

The control law, in six sentences. Between refusals the rate stands still at the allowance last measured.
Every five seconds, or as often as its cost allows (`budget.py`), a few single items go on top, just enough to
use up the margin kept, and the time is paid back at once; if one of them is refused, as expected, that moment
ends one measurement and begins the next (`meter.py`). A measurement counts the more, the longer it took, and
a rate that is not sure yet is measured soon again. If nothing is refused, the allowance has grown: larger
probes and larger steps follow each other without a pause. A refusal that no probe provoked says that the
allowance has shrunk: a small cut at first, larger ones until a measurement is possible. Whatever was sent
before a cut says nothing about it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bulkexo.pace.borne import Borne
from bulkexo.pace.budget import SHARE, SLOW_SHARE, Budget
from bulkexo.pace.catchup import BOOST, CatchUp
from bulkexo.pace.ledger import Flight, Ledger
from bulkexo.pace.meter import Anchor, Meter

BATCH = 10
"""Items of an ordinary batch: nothing larger is known to work (protocol.md)."""
FLOOR = 0.05
"""Items per second below which the rate never falls: one in 20 s is asking, not hammering."""
STEPS = (1.02, 1.12, 1.25, 1.4, 1.5)
"""What the rate is multiplied by after the first, second, … probe in a row that was not refused. The first is
small, for a margin misjudged by an item or two looks just like it; five of them more than double the rate."""
SLOW = 18.0
"""Items per second under which one item refused is much, and probes are few: they take SLOW_GAIN times the
rate, to be over soon, and no more than that one item is on its way before its refusal is heard."""
SLOW_GAIN = 2.0
SELDOM = 60.0
"""Seconds after which a probe is worth any wait."""
SMALL = 2
"""Probes passed in a row that a misjudged margin explains as well as an allowance that has grown."""
NUDGE = 1.01
"""What a measurement that may be low is multiplied by for each probe passed."""
SOME = 1.0
"""Seconds of measuring from which a rate is more than a guess."""
BRIEF = 2.0
"""Seconds of measuring that say nothing of a rate that has just changed."""
SLACK = 0.05
"""The share by which a rate may be low without anything but a full burst to show for it."""
EXACT = 3.0
"""Items by which a measurement is off at best; what a wait leaves in doubt comes on top."""
EVEN = 0.29
"""The standard deviation of what may be anywhere in a range, as a share of the range."""
LONG = 5.0
"""Seconds of measuring that make a rate sure; less is off by too many items."""
WAITS = 100.0
"""Items from one probe to the next for each that may be lost to the wait that it leads to."""
GAINS = (1.3, 1.3, 1.5, 2.0)
"""Times the rate during a probe, by probes passed in a row: gentle while a refusal is expected."""
RETREAT = 0.65
"""To what share of the rate the first refusal of all leads: the burst was spent at an unknown overshoot."""


@dataclass(slots=True)
class _Probe:
    """started: clock seconds. quota: items to send beyond the rate. sent: items so far. open: flights whose
    reply has not come. ended: clock seconds after which no more is sent for it. void: there was not enough
    to send."""

    started: float
    quota: float
    sent: int = 0
    open: int = 0
    ended: float | None = None
    void: bool = False

    def beyond(self, now: float, rate: float) -> float:
        """Items sent beyond `rate` so far."""
        return self.sent - rate * (now - self.started)


class RateLaw:
    """Learns one tenant's rate.

    start: items per second to begin with. ceiling: the user's, None for none. climbing: how many probes
    count as passed at the start; 4 for a tenant never met, which makes every step a large one.
    """

    def __init__(self, ledger: Ledger, *, start: float, ceiling: float | None, climbing: int) -> None:
        self._ledger = ledger
        self._meter = Meter(ledger)
        self._catch_up = CatchUp()
        self._ceiling = ceiling
        self.rate = 0.0
        self._set(start)
        self.hold_until = 0.0
        self._probe: _Probe | None = None
        self._passed = climbing
        self._surprises = 0
        self._since = 0.0  # items sent since the last probe or refusal
        self._spare = 2.0  # items that a probe has to use up before it can be refused
        self._caution = 1.0
        self._budget = Budget()
        self._climb_at = 0.0  # the second at which the first of the probes that passed began
        self._before = self.rate  # the rate before the first of the probes that passed
        self._lost = 0.0  # items that the last wait lost
        self._sure = 0.0  # seconds of measuring behind the rate; 0 if it is a guess
        self._early = False  # whether the next probe must not wait for what it costs
        self._bill: int | None = None  # items refused since the last probe's refusal; None: it was no probe's
        self._cut_at = 0.0
        self._took = 0.3  # seconds of a reply: a running median, deaf to slow mailboxes
        self._places = 1
        self._full = 0.0  # share of recent batches that waited for a place in flight, not for the rate
        self._sent_at = 0.0
        self._fed = self.rate  # the rate when something was last accepted: refusals alone teach little
        self._borne = Borne()

    @property
    def pace(self) -> float:
        """Items per second to send now."""
        factor = 1.0
        if self._catch_up.active:
            factor = BOOST
        elif self._testing:
            factor = SLOW_GAIN if self.rate < SLOW else GAINS[min(self._passed, len(GAINS) - 1)]
        return self._capped(self.rate * factor)

    @property
    def batch_size(self) -> int:
        """Items a batch: few where a refusal is likely, so that little is refused."""
        doubtful = self._probe or self._catch_up.active or self._surprises
        doubtful = doubtful or 0 < self._passed < 4 or (self._passed and self.rate < SLOW)
        doubtful = doubtful or (self._sure < BRIEF and self._meter.anchored)
        return self._small() if self._testing or (doubtful and self._full < 0.3) else BATCH

    @property
    def _testing(self) -> bool:
        return self._probe is not None and self._probe.ended is None

    def _small(self) -> int:
        """One item, or as many as keep it to 50 requests a second and half of the places in flight."""
        if self._ledger.in_flight > 0.5 * self._places:
            return BATCH
        abreast = 2 * self.rate * self._took / (0.5 * self._places)
        return max(1, min(BATCH, round(max(self.rate / 50, abreast))))

    def _margin(self) -> float:
        """Items kept unused, lest the jitter of the network (50 ms) look like a lower allowance."""
        return min((2.0 + 0.05 * self.rate) * self._caution, max(2.0, (self._catch_up.room - BATCH) / 2))

    def _due(self) -> bool:
        """Whether it is time for a probe: after five seconds and what it may cost, in items refused and in
        time: less than 1 % may be lost to waits, and a wait for each refusal is what the service asks. A rate
        that is not sure is measured sooner."""
        if self._passed:
            return True
        waits = min(WAITS * self._lost, SELDOM * self.rate)
        if self._early:
            waits /= 4 if self._sure else 20
            return self._since >= max(35.0 if self.rate < SLOW else 100.0, self.rate, waits)
        least = max(35.0 if self.rate < SLOW else 60.0, 5 * self.rate, waits)
        return self._since >= least and self._budget.affords

    def sent(self, flight: Flight, places: int) -> None:
        """A batch has gone; `places` were allowed in flight."""
        self._places = places
        waited = flight.started - self._sent_at > 1.1 * flight.items / self.pace
        self._full += 0.1 * ((waited and flight.abreast >= places) - self._full)
        self._sent_at = flight.started
        self._budget.sent(flight.items, self.rate, SLOW_SHARE if self.rate < SLOW else SHARE)
        if self._catch_up.active:
            self._catch_up.sent(flight.started, flight.items)
        elif self._probe is None:
            self._since += flight.items
            self._consider(flight.started)
        elif self._probe.ended is None:
            self._feed(self._probe, flight)

    def _consider(self, now: float) -> None:
        """Begin a probe if it is time."""
        if self._ceiling is not None and self.rate >= self._ceiling:
            self._passed = self._surprises = 0
            return
        if self._borne.rate is not None or self._full >= 0.85:
            return
        if not self._due():
            return
        few = self._small() + 2
        self._early = False
        self._climb_at = self._climb_at if self._passed else now
        most = few + max(self._spare, 0.3 * self.rate)
        self._probe = _Probe(now, min(most, (self._spare + few) * 2.0 ** min(self._passed, 10)))

    def _feed(self, probe: _Probe, flight: Flight) -> None:
        flight.probe = True
        probe.sent += flight.items
        probe.open += 1
        enough = probe.beyond(flight.started, self.rate) >= probe.quota
        late = flight.started - probe.started > 4 * probe.quota / self.rate + 1
        if enough or late:
            probe.ended = flight.started
            probe.void = not enough and self._full < 0.3
            if not self._passed:  # pay back what was sent ahead, and let a whole batch's worth gather
                self._hold(flight.started + (BATCH + probe.quota) / self.rate)

    def saw(self, flight: Flight, now: float, *, slow: bool, asked: float) -> None:
        """Learn from a reply. slow: silent delays are on or begin. asked: nothing before then."""
        probe = self._probe
        if probe is not None and flight.probe and flight.started >= probe.started:
            probe.open -= 1
        if flight.refused:
            self._budget.refused(flight.refused)
            self._bill = None if self._bill is None else self._bill + flight.refused
            if flight.started >= self._cut_at:
                self._refusal(flight, now, asked)
            return
        self._fed = self.rate
        self._took *= 1.05 if now - flight.started > self._took else 1 / 1.05
        if self._borne.rate is not None and not slow and self._since >= 5 * self.rate:
            self._set(self._borne.grown(self._borne.rate, self.rate, self._since))
            self._since = 0.0
        if probe is not None and probe.ended is not None:
            late = now > probe.ended + 4 * self._took + 1
            if late or not probe.open:
                self._drop_probe()
                self._pass(void=probe.void or slow or self._full >= 0.85)

    def _pass(self, *, void: bool) -> None:
        """A probe was not refused. void: that means nothing."""
        self._surprises = 0
        if void:
            self._passed = 0
        else:
            self.hold_until = 0.0  # nothing to pay back
            self._before = self._before if self._passed else self.rate
            self._passed += 1
            self._set(self.rate * self._step())

    def _step(self) -> float:
        return STEPS[min(self._passed, len(STEPS)) - 1]

    def _refusal(self, flight: Flight, now: float, asked: float) -> None:
        """The first refusal of something sent since the last cut."""
        if self._bill is not None:
            self._budget.probe_cost(self._bill - flight.refused)
        self._bill = flight.refused if flight.probe else None
        level = flight.items / 2 if flight.refused == flight.items else 0.0
        measured = self._meter.measure(flight.started, level)
        self._early |= self._unprovoked(flight) and self._surprises > 0
        again = self._learn(flight, level, measured)
        needed = self._margin() + BATCH - level
        resume = self._resume(flight, now, needed)
        idle = max(0.0, asked - resume) * self.rate
        wait = flight.started, max(asked, resume)
        saved = self._catch_up.begin(wait, needed + idle, needed, sure=self._sure >= SOME)
        if again:
            self._meter.anchor(Anchor(flight.started, level, saved.least, saved.most))
        else:
            self._meter.waited(saved.least, saved.most)
        self._lost = saved.most
        self._spare = self._margin() + min(saved.spare, 2 * self.rate)
        self._cut_at, self._passed = now, 0
        self._borne.forget()
        self._drop_probe()
        self._hold(resume)

    def _unprovoked(self, flight: Flight) -> bool:
        return not (self._passed or flight.probe or self._catch_up.covers(flight.started))

    def _learn(self, flight: Flight, level: float, measured: tuple[float, float] | None) -> bool:
        """Set the rate after a refusal. Returns whether to measure anew from it: not after a first surprise,
        which leaves more in doubt than the measurement under way."""
        low, high = measured or (0.0, self.rate)
        if self._passed:
            low = max(low, self._least(flight.started, level))
        if self._passed > SMALL or (self._passed and not low):
            self._grown(low)
        elif self._passed and self._overflowed(flight.started):
            if self._sure >= LONG:
                self._set(low * NUDGE**self._passed)
                self._guess(SOME)
            else:
                self._grown(low)
        elif self._sure >= SOME and self._catch_up.covers(flight.started):
            spent = self._ledger.accepted(self._catch_up.since, flight.started) + level
            if math.isfinite(self._catch_up.room):
                self._believe(low, high, flight.started)
            self._catch_up.refused(flight.started, spent, self.rate)
            self._guess(0.0)
        elif flight.probe or self._passed:
            self._surprises = 0
            self._caution = max(1.0, self._caution * 0.98)
            self._believe(low, high, flight.started)
        else:
            return self._surprise(low, high, flight.started)
        return True

    def _grown(self, low: float) -> None:
        """The allowance is somewhere between the steps of a climb."""
        share = self._step() ** -0.5 if self._meter.anchored else RETREAT
        self._set(max(low, self.rate * share))
        self._guess(SOME if self._passed == 1 else 0.0)

    def _guess(self, sure: float) -> None:
        """The rate is worth no more than `sure` seconds of measuring: measure it soon."""
        self._sure = sure
        self._early = True

    def _overflowed(self, now: float) -> bool:
        """Whether the burst may have been full during the measurement, the rate being a little low: what was
        given is then the least that was allowed."""
        if math.isinf(self._catch_up.room):
            return self._sure < LONG and (self._meter.doubt > 0 or self._passed > 1)
        return self._catch_up.room - self._margin() - BATCH < SLACK * self.rate * self._meter.seconds(now)

    def _least(self, now: float, level: float) -> float:
        """Items per second that the climb just ended has had at least: what was given beyond a burst."""
        given = self._ledger.accepted(self._climb_at, now) + level
        return (given - self._catch_up.room) / max(0.1, now - self._climb_at)

    def _believe(self, low: float, high: float, now: float) -> None:
        """Follow a measurement, the more the longer it took: that of a second is off by a batch."""
        if not low:
            return
        seconds = self._meter.seconds(now) * EXACT / (EXACT + EVEN * self._meter.doubt)
        before = self._before if self._passed else self.rate
        within = min(max(before, low), max(high, low))
        step = seconds**2 / (seconds**2 + self._sure**2) * (within - before)
        self._set(before + min(max(step, -0.1 * before), 0.1 * before))
        self._sure = min(LONG, math.hypot(seconds, self._sure))
        self._early = self._sure < LONG

    def _surprise(self, low: float, high: float, now: float) -> bool:
        self._surprises += 1
        if self._meter.seconds(now) < BRIEF:
            low, high = 0.0, self.rate
        if self._surprises == 1:
            self._caution = min(3.0, self._caution * 1.3)
            self._set(min(self.rate, max(0.97 * self.rate, low)))
            self._early = True
            return not self._meter.anchored
        if self._surprises == 2:
            self._caution = max(1.0, self._caution / 1.3)  # it was a change, and not too small a margin
        self._sure = 0.0
        cut = max(0.8, 1 - 0.03 * 2.0 ** (self._surprises - 1))
        self._set(max(low, min(cut * self.rate, high), self._fed / 4))
        return True

    def _resume(self, flight: Flight, now: float, needed: float) -> float:
        """When the next batch may go: once it and the margin have gathered, counting from the refusal."""
        since = self._ledger.accepted(flight.started, now + 1)
        return flight.started + (needed + min(since, self.rate * (now - flight.started))) / self.rate

    def spoilt(self) -> None:
        """A refusal had another reason than the rate: a probe under way means nothing."""
        self._drop_probe()

    def eased(self) -> None:
        """Replies begin to take longer: the last step of a climb was too much, if not by how much."""
        if self._passed > SMALL:
            self._set(self.rate / STEPS[-1])
            self._passed = 0
            self._drop_probe()

    def slowed(self, factor: float, delivered: float) -> None:
        """Silent delays grow (factor < 1: a share of what is delivered, items per second) or shrink (> 1)."""
        rate = self._borne.slowed(self.rate, delivered) if factor < 1 else self.rate
        self._set(rate * factor)
        self._passed = 0
        self._drop_probe()

    def cleared(self, since: float, until: float, paid: float) -> None:
        """Silent delays are over. What went from their beginning to their end was the allowance, but for the
        debt: it was worked off in about as many seconds as the delay shrank by."""
        items = self._ledger.accepted(since, until)
        seconds = max(until - since - paid, 0.5 * (until - since))
        self._set(self._borne.cleared(items, seconds, self.rate))
        self._passed = 0
        self._drop_probe()

    def _drop_probe(self) -> None:
        self._probe = None
        self._since = 0.0

    def _hold(self, until: float) -> None:
        self.hold_until = max(self.hold_until, until)

    def _capped(self, rate: float) -> float:
        return rate if self._ceiling is None else min(rate, self._ceiling)

    def _set(self, rate: float) -> None:
        self.rate = self._capped(max(FLOOR, rate))

"""How long cmdlets take: log-normal, so that most are near the median and a few take much longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heapreplace
from random import Random


@dataclass(frozen=True, slots=True)
class Spread:
    """median: seconds. sigma: of the logarithm; 0.5 means that 1 in 40 takes 2.7 times the median."""

    median: float = 0.5
    sigma: float = 0.5

    def draw(self, random: Random) -> float:
        """One cmdlet's seconds."""
        if self.median == 0 or self.sigma == 0:
            return self.median
        return self.median * random.lognormvariate(0.0, self.sigma)


@dataclass(frozen=True, slots=True)
class Latency:
    """Spreads by lower-case cmdlet name, and one for all others.

    The default median is near what people measured one after another (`protocol.md`, "Throttling":
    0.5 to 2 s for Set-Mailbox, 0.6 to 1.0 s for reads).
    """

    others: Spread = field(default_factory=Spread)
    cmdlets: dict[str, Spread] = field(default_factory=dict)

    def draw(self, cmdlet: str, random: Random) -> float:
        """Seconds that this run of `cmdlet` takes."""
        return (self.cmdlets.get(cmdlet.lower()) or self.others).draw(random)


def parse_latency(texts: Sequence[str]) -> Latency:
    """`0.5`, `0.5,0.3` (median, sigma) or `Get-MailboxStatistics=0.8,0.5`, several of them.

    Raises ValueError with a sentence.
    """
    others = Spread()
    cmdlets: dict[str, Spread] = {}
    for text in texts:
        name, equals, numbers = text.rpartition("=")
        try:
            spread = Spread(*(float(part) for part in numbers.split(",")))
            understood = spread.median >= 0 and spread.sigma >= 0 and (bool(name.strip()) or not equals)
        except (TypeError, ValueError):
            understood = False
        if not understood:
            raise ValueError(
                f"The latency '{text}' is not understood: write seconds as MEDIAN or MEDIAN,SIGMA, "
                "with CMDLET= before it for one cmdlet, such as Get-MailboxStatistics=0.8,0.5."
            )
        if equals:
            cmdlets[name.strip().lower()] = spread
        else:
            others = spread
    return Latency(others, cmdlets)


def timeline(durations: Sequence[float], lanes: int) -> list[tuple[float, int]]:
    """When each cmdlet of a batch ends, as (seconds from the start, position), earliest first.

    Each lane runs one cmdlet after the other; a cmdlet takes the lane that is free first. Nobody knows
    whether the service overlaps the cmdlets of a batch: `lanes` is an option.
    """
    free = [0.0] * max(1, lanes)
    ends = []
    for position, seconds in enumerate(durations):
        end = free[0] + seconds
        heapreplace(free, end)
        ends.append((end, position))
    return sorted(ends)

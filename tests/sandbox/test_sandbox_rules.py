"""The arithmetic: limits, faults, latencies, options; tables, no clock."""

from __future__ import annotations

from random import Random

import pytest

from bulkexo.sandbox.faults import ITEM_KINDS, KINDS, MIXED, REQUEST_KINDS, Faults, parse_faults, spread
from bulkexo.sandbox.options import Budget, OptionError, SandboxOptions, parse_allowance, parse_budget
from bulkexo.sandbox.throttle import Bucket, ServerTime, Throttle, retry_after
from bulkexo.sandbox.timing import Latency, Spread, parse_latency, timeline


@pytest.mark.parametrize(
    ("takes", "waits"),
    [
        ([(0, 10), (0, 1)], [0.0, 0.5]),
        ([(0, 10), (0.5, 1), (0.5, 1)], [0.0, 0.0, 0.5]),
        ([(0, 10), (2.5, 5), (2.5, 5)], [0.0, 0.0, 2.5]),
        ([(0, 25), (0, 1), (8, 1)], [0.0, 8.0, 0.0]),
        ([(0, 10), (0, 3), (0, 3), (1.5, 3)], [0.0, 1.5, 1.5, 0.0]),
        ([(0, 10), (100, 10), (100, 1)], [0.0, 0.0, 0.5]),
    ],
    ids=[
        "empty",
        "refills",
        "partly",
        "more than it holds",
        "a refusal takes nothing",
        "never above the burst",
    ],
)
def test_bucket(takes: list[tuple[float, int]], waits: list[float]) -> None:
    bucket = Bucket(rate=2.0, burst=10.0)
    assert [bucket.take(now, count) for now, count in takes] == pytest.approx(waits)


def test_server_time_slows_down_long_before_it_refuses() -> None:
    time = ServerTime(Budget(recharge=3_600_000, cutoff=-10_000, burst=1_000))
    assert (time.delay(0), time.refusal(0)) == (0.0, 0.0)
    time.spend(0, 6.0)
    assert time.balance(0) == -5_000
    assert time.delay(0) == pytest.approx(20.0)
    assert time.refusal(0) == 0.0
    time.spend(0, 8.0)
    assert time.delay(0) == pytest.approx(40.0)
    assert time.refusal(0) == pytest.approx(3.0)
    assert time.refusal(4) == 0.0
    assert time.balance(1_000) == 1_000


def test_the_one_micro_delay_on_record_is_about_right() -> None:
    time = ServerTime(Budget(recharge=2_160_000, cutoff=-3_000_000, burst=0))
    time.spend(0, 1608.289)
    assert time.delay(0) == pytest.approx(21.956, rel=0.05)


def _throttle(**options: object) -> Throttle:
    return Throttle(SandboxOptions(**options), Random(1))  # type: ignore[arg-type]


def test_whole_refuses_all_inside_refuses_some() -> None:
    whole = _throttle(allowance=1.0, burst=10.0, throttle_style="whole")
    assert whole.admit(0, 6, batch=True).whole is None
    assert whole.admit(0, 6, batch=True).whole == pytest.approx(2.0)
    inside = _throttle(allowance=1.0, burst=10.0, throttle_style="inside")
    inside.admit(0, 6, batch=True)
    assert inside.admit(0, 6, batch=True).items == (None, None, None, None, 1.0, 1.0)


def test_a_single_cmdlet_is_always_refused_as_a_whole() -> None:
    throttle = _throttle(allowance=1.0, burst=1.0, throttle_style="inside")
    throttle.admit(0, 1, batch=False)
    assert throttle.admit(0, 1, batch=False).whole == pytest.approx(1.0)


def test_mixed_does_both() -> None:
    throttle = _throttle(allowance=1.0, burst=1.0, throttle_style="mixed")
    throttle.admit(0, 1, batch=True)
    wholes = {throttle.admit(0, 2, batch=True).whole is None for _ in range(20)}
    assert wholes == {True, False}


def test_too_many_in_flight() -> None:
    throttle = _throttle(max_concurrent=2)
    throttle.in_flight = 1
    assert not throttle.admit(0, 5, batch=True).crowded
    throttle.in_flight = 2
    assert throttle.admit(0, 5, batch=True).crowded


def test_a_spent_budget_refuses() -> None:
    throttle = _throttle(budget=Budget(3_600_000, -1_000, 0), throttle_style="inside")
    assert throttle.server_time is not None
    throttle.server_time.spend(0, 3)
    assert list(throttle.admit(0, 2, batch=True).items) == pytest.approx([2.0, 2.0])
    assert throttle.admit(0, 2, batch=False).whole == pytest.approx(2.0)
    assert throttle.admit(2.5, 2, batch=True).items == (None, None)


@pytest.mark.parametrize(
    ("style", "wait", "speed", "expected"),
    [
        ("exact", 0.2, 1, 1.0),
        ("exact", 2.0, 1, 2.0),
        ("exact", 2.1, 20, 0.15),
        ("fraction", 2.1, 1, 2.1),
        ("fraction", 2.1, 20, 0.105),
        ("short", 2.0, 1, 1.0),
        ("none", 2.0, 1, None),
        ("date", 2.1, 1, 3.0),
        ("date", 2.1, 20, 1.0),
    ],
)
def test_retry_after(style: str, wait: float, speed: float, expected: float | None) -> None:
    assert retry_after(style, wait, speed) == expected


@pytest.mark.parametrize(
    ("durations", "lanes", "ends"),
    [
        ([], 10, []),
        ([3, 1, 2], 10, [(1, 1), (2, 2), (3, 0)]),
        ([3, 1, 2], 1, [(3, 0), (4, 1), (6, 2)]),
        ([3, 1, 2], 2, [(1, 1), (3, 0), (3, 2)]),
        ([0, 0], 1, [(0, 0), (0, 1)]),
    ],
)
def test_timeline(durations: list[float], lanes: int, ends: list[tuple[float, int]]) -> None:
    assert timeline(durations, lanes) == ends


def test_latency_has_its_median_and_a_tail() -> None:
    random = Random(1)
    drawn = sorted(Latency().draw("Set-Mailbox", random) for _ in range(2001))
    assert drawn[1000] == pytest.approx(0.5, rel=0.1)
    assert drawn[1980] > 1.0


@pytest.mark.parametrize(
    ("texts", "cmdlet", "expected"),
    [
        ([], "Set-Mailbox", Spread(0.5, 0.5)),
        (["0.2"], "Set-Mailbox", Spread(0.2, 0.5)),
        (["0.2,0"], "Set-Mailbox", Spread(0.2, 0.0)),
        (["0.2", "get-mailboxstatistics=0.8,0.1"], "Get-MailboxStatistics", Spread(0.8, 0.1)),
        (["Get-MailboxStatistics=0.8,0.1"], "Set-Mailbox", Spread(0.5, 0.5)),
    ],
)
def test_parse_latency(texts: list[str], cmdlet: str, expected: Spread) -> None:
    latency = parse_latency(texts)
    assert latency.cmdlets.get(cmdlet.lower(), latency.others) == expected


@pytest.mark.parametrize("text", ["", "fast", "1,2,3", "-1", "=1", "Get-Mailbox=", "0.5,-1"])
def test_a_latency_that_is_none_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not understood: write seconds"):
        parse_latency([text])


@pytest.mark.parametrize(("text", "rate"), [("20/s", 20.0), ("20", 20.0), ("90/min", 1.5), ("0.5/s", 0.5)])
def test_parse_allowance(text: str, rate: float) -> None:
    assert parse_allowance(text) == rate


@pytest.mark.parametrize("text", ["", "0/s", "-3", "20/day", "many"])
def test_an_allowance_that_is_none(text: str) -> None:
    with pytest.raises(OptionError, match="write cmdlets per second"):
        parse_allowance(text)


def test_parse_budget() -> None:
    assert parse_budget("2160000,3000000") == Budget(2_160_000, -3_000_000, 300_000)
    assert parse_budget("2160000,-3000000,5") == Budget(2_160_000, -3_000_000, 5)
    for text in ("", "1", "1,2,3,4", "0,5", "a,b"):
        with pytest.raises(OptionError, match="write RECHARGE,CUTOFF"):
            parse_budget(text)


def test_faults_come_as_often_as_asked_and_the_same_for_a_seed() -> None:
    faults = parse_faults({"503": 100, "cut-after": 50, "missing": 200, "slow-seconds": 3})
    assert faults.slow_seconds == 3
    drawn = [faults.request(Random(seed)) for seed in range(4000)]
    assert drawn == [faults.request(Random(seed)) for seed in range(4000)]
    assert drawn.count("503") / 4000 == pytest.approx(0.1, rel=0.25)
    assert drawn.count("cut-after") / 4000 == pytest.approx(0.05, rel=0.25)
    assert set(drawn) == {None, "503", "cut-after"}
    assert {faults.item(Random(seed)) for seed in range(100)} == {None, "missing"}


def test_short_form_spreads_over_all_kinds() -> None:
    faults = spread(50)
    assert set(faults.per_mille) == set(MIXED) < set(KINDS)
    assert set(KINDS) == {*REQUEST_KINDS, *ITEM_KINDS}
    assert sum(faults.per_mille.values()) == pytest.approx(50)
    assert spread(0) == Faults()
    assert Faults().request(Random(1)) is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"cut-befor": 5}, "There is no fault 'cut-befor'. There are: cut-before, cut-after"),
        ({"503": -1}, "needs a number that is not negative"),
        ({"503": "often"}, "needs a number"),
        ({"503": True}, "needs a number"),
        ({"503": 600, "html": 600}, "more than 1,000 per mille"),
        ([1], "not a mapping"),
    ],
)
def test_faults_that_are_none(content: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_faults(content)


def test_numeric_kinds_of_yaml_are_understood() -> None:
    assert parse_faults({503: 5, 504: 1}).per_mille == {"503": 5.0, "504": 1.0}
    assert parse_faults(None) == Faults()


def test_options_check_the_domain_and_fix_the_tenant() -> None:
    assert SandboxOptions().tenant_id == SandboxOptions(seed=2).tenant_id
    assert SandboxOptions(domain="fabrikam.onmicrosoft.com").tenant_id != SandboxOptions().tenant_id
    with pytest.raises(OptionError, match="is not a domain"):
        SandboxOptions(domain="contoso")

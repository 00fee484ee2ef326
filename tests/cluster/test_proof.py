"""The checkers find what is wrong: each is shown a record with one fault, and one without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from tests.chaos.processes import Tenant
from tests.chaos.rows import Row
from tests.e2e.pretend import Pretend

from .many import Many, Served
from .proof import differences, excess, pace, prove

ONE, OTHER = "t0001.onmicrosoft.com", "t0002.onmicrosoft.com"
BEGAN = "2026-11-24T09:30:00.{:03}Z"


class World:
    """Two rows of one tenant and one of another, all records in order; a test then spoils one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = [
            Row(1, {"Tenant": ONE, "Cmdlet": "Set-Mailbox", "Identity": "a", "CustomAttribute1": "x"}),
            Row(2, {"Tenant": ONE, "Cmdlet": "New-InboxRule", "Mailbox": "b", "Name": "rule"}),
            Row(3, {"Tenant": OTHER, "Cmdlet": "Set-Mailbox", "Identity": "c", "CustomAttribute1": "y"}),
        ]
        self.results = [
            {
                "row": row.number, "step": 1, "cmdlet": row.cmdlet, "tenant": row.cells["Tenant"],
                "status": "succeeded", "started": BEGAN.format(0), "duration_ms": 500, "attempts": 1,
                "request_id": f"r{row.number}", "value": [],
            }
            for row in self.rows
        ]  # fmt: skip
        self.arrivals = [self.event(row, 100) for row in self.rows]
        self.effects = [
            {**self.event(row, 300), "changed": True, "parameters": row.cells} for row in self.rows
        ]

    @staticmethod
    def event(row: Row, millisecond: int) -> dict[str, Any]:
        return {
            "time": BEGAN.format(millisecond),
            "tenant": f"guid-{row.cells['Tenant']}",
            "cmdlet": row.cmdlet,
            "client_request_id": f"00000000-0000-0000-0000-{row.number << 8 | 1:012x}",
        }

    def wrong(self) -> list[str]:
        """What the checkers say of the records as they are now."""
        paths = [self.folder / name for name in ("results.ndjson", "arrivals.ndjson", "journal.ndjson")]
        for path, lines in zip(paths, (self.results, self.arrivals, self.effects), strict=True):
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        said: Mapping[str, Any] = {
            "tenants": [{"tenant": each, "tenant_id": f"guid-{each}"} for each in (ONE, OTHER)]
        }
        pretend = Pretend(said, paths[2], cast(Any, None))
        service = Tenant("", {}, paths[2], paths[1])
        world = Many([Served(ONE, 2, 10.0), Served(OTHER, 1, 10.0)], service, pretend)
        return prove(self.rows, self.folder, world).wrong


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_nothing_is_wrong_where_nothing_is(world: World) -> None:
    assert world.wrong() == []


def test_a_row_without_a_line_and_one_with_two(world: World) -> None:
    world.results[0] = world.results[1]
    assert world.wrong() == ["rows with more than one line: [2]", "row 1 (Set-Mailbox a) has no line"]


def test_an_unsafe_row_that_took_effect_twice(world: World) -> None:
    world.effects.append({**world.effects[1], "time": BEGAN.format(400)})
    assert world.wrong() == [
        "row 2 (New-InboxRule b) took effect 2 times",
        "row 2 (New-InboxRule) was carried out 2 times",
    ]


def test_a_rule_that_was_made_again_without_a_change(world: World) -> None:
    world.effects.append({**world.effects[1], "changed": False})
    assert world.wrong() == ["row 2 (New-InboxRule) was carried out 2 times"]


def test_an_unsafe_row_that_was_sent_again_after_its_effect(world: World) -> None:
    world.arrivals.append(world.event(world.rows[1], 400))
    assert world.wrong() == ["row 2 was sent again after it had taken effect"]


def test_a_row_that_was_sent_after_its_end(world: World) -> None:
    world.arrivals.append(world.event(world.rows[0], 750))
    assert world.wrong() == ["row 1 was sent 0.250 s after it had ended"]


def test_a_row_that_came_to_another_tenant(world: World) -> None:
    world.arrivals[2] = {**world.arrivals[2], "tenant": f"guid-{ONE}"}
    assert world.wrong() == [f"row 3 came to the tenant {ONE}"]


def test_a_success_without_an_effect(world: World) -> None:
    del world.effects[0]
    (said,) = world.wrong()
    assert said.startswith("row 1 (Set-Mailbox a) is succeeded and took no effect")


def test_a_tenant_driven_by_two_at_once() -> None:
    tenant = Served(ONE, 4000, 10.0, 10.0)
    fair = [number / 10 for number in range(2000)]
    assert not pace(tenant, fair, fair).above
    twice = [each for number, at in enumerate(fair) for each in ([at] if number < 1500 else [at, at])]
    assert pace(tenant, twice, fair).above
    assert excess(twice, 10.0) == pytest.approx(501, abs=1)


def test_goodput_and_refusals_are_of_the_settled_time() -> None:
    tenant = Served(ONE, 4000, 10.0, 10.0)
    came = [number / 10 for number in range(1000)]
    slow = [at for number, at in enumerate(came) if at < 30 or number % 2]
    found = pace(tenant, came, slow)
    assert found.goodput == pytest.approx(0.5, abs=0.01)
    assert found.refused == pytest.approx(0.5, abs=0.01)
    quick = pace(tenant, [at / 4 for at in came], [at / 4 for at in slow], speed=4)
    assert quick.goodput == pytest.approx(found.goodput, abs=0.01)


def test_two_runs_are_the_same_but_for_order_and_times(world: World, tmp_path: Path) -> None:
    world.wrong()
    other = tmp_path / "other"
    other.mkdir()
    lines = [{**line, "started": BEGAN.format(9), "request_id": "q"} for line in reversed(world.results)]
    (other / "results.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert differences(tmp_path, other) == []
    lines[0]["status"] = "unchanged"
    (other / "results.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines[:2]))
    assert differences(tmp_path, other) == ["row 1.1 is in one alone", "row 3.1 differs in status"]


def test_of_two_rows_on_one_mailbox_the_later_has_the_last_word(world: World) -> None:
    later = Row(4, {"Tenant": ONE, "Cmdlet": "Set-Mailbox", "Identity": "a", "CustomAttribute1": "z"})
    world.rows.append(later)
    world.results.append({**world.results[0], "row": 4})
    world.arrivals.append(world.event(later, 400))
    last = {**world.event(later, 450), "changed": True, "parameters": later.cells}
    world.effects += [last, world.effects[0]]
    assert world.wrong() == ["a is as row 1 made it"]
    world.effects.append(last)
    assert world.wrong() == [], "both again, in their order"

"""Later steps in a whole run: what they take from earlier ones, whether they go, waiting for what is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkexo.job import load
from bulkexo.journal.key import key as journal_key
from bulkexo.model import Earlier, Ended, Item, Status, UsageError

from .fakes import Answer, FakeService, Sent, error, not_found, ok
from .test_recovered import Left
from .world import World

JOB = """
rows: [%s]
steps:
  - name: make
    cmdlet: New-Mailbox
    parameters: {Name: "${Name}", Key: "${Row}.1"}
  - name: look
    cmdlet: Get-Mailbox
    when: steps.make.Kind != 'odd'
    parameters: {Identity: "${steps.make.Id}", Key: "${Row}.2"}
  - cmdlet: Set-Mailbox
    parameters: {Identity: "${steps.make.Id}", Note: "${steps.look.Tags}", Key: "${Row}.3"}
  - cmdlet: Disable-Mailbox
    when: failed
    parameters: {Identity: "${Name}", Key: "${Row}.4"}
"""


def items(folder: Path, count: int = 3, text: str = JOB) -> Iterator[Item]:
    rows = ", ".join(f"{{Row: {row}, Name: name{row}}}" for row in range(1, count + 1))
    path = folder / "job.yaml"
    path.write_text(text % rows)
    return load(path).items()


def answer(sent: Sent) -> Answer:
    name = str(sent.parameters.get("Name", ""))
    if sent.cmdlet == "New-Mailbox":
        return ok({"Id": f"id-{name}", "Kind": "odd" if name == "name2" else "even", "Else": "x" * 1000})
    return ok({"Tags": ["a", "b"]}) if sent.cmdlet == "Get-Mailbox" else ok()


def test_values_go_on_to_later_steps_and_rules_decide(tmp_path: Path) -> None:
    world = World(FakeService(answer)).run(items(tmp_path))
    sent = {each.key: each.parameters for arrival in world.service.arrivals for each in arrival.items}
    assert sent["1.2"]["Identity"] == "id-name1"
    assert (sent["3.3"]["Identity"], sent["3.3"]["Note"]) == ("id-name3", ["a", "b"])
    left_out = {name: end.error.code for name, end in world.by_key.items() if end.error}
    assert left_out == {
        "1.4": "bulkexo:rule",
        "2.2": "bulkexo:rule",
        "2.3": "bulkexo:earlier-value",  # it names what was left out
        "3.4": "bulkexo:rule",
    }
    error = world.by_key["2.3"].error
    assert error is not None
    assert error.message == (
        "Step 3 was not sent. The parameter Note has no value. The step look was not sent, so there is no "
        "steps.look.Tags."
    )
    assert world.by_key["2.3"].status is Status.FAILED
    assert world.statuses()["2.4"] is Status.SUCCEEDED  # for rows of which one has failed
    assert world.by_key["1.2"].item.identity == "id-name1"


def test_the_line_is_known_by_what_the_job_says(tmp_path: Path) -> None:
    world = World(FakeService(answer)).run(items(tmp_path, 1))
    planned = {f"{item.row}.{item.step}": journal_key(item) for item in items(tmp_path, 1)}
    assert {name: journal_key(end.item) for name, end in world.by_key.items()} == planned


def test_a_failure_skips_the_others_but_not_what_is_for_it(tmp_path: Path) -> None:
    def refused(sent: Sent) -> Answer:
        return error(400, "Some.Exception") if sent.cmdlet == "New-Mailbox" else answer(sent)

    world = World(FakeService(refused)).run(items(tmp_path, 1))
    assert world.statuses() == {
        "1.1": Status.FAILED,
        "1.2": Status.SKIPPED,
        "1.3": Status.SKIPPED,
        "1.4": Status.SUCCEEDED,
    }
    assert {end.error.code for name, end in world.by_key.items() if end.error and name != "1.1"} == {
        "bulkexo:earlier-step"
    }


def test_only_what_is_named_is_held_and_only_while_the_row_is_open(tmp_path: Path) -> None:
    world = World(FakeService(answer))
    held: list[Any] = []
    world.told = lambda outcomes: held.extend(
        dict(ticket.row or {}) for ticket in world.scheduler._desk.lanes.waiting()
    )
    world.run(items(tmp_path))
    kept = [end.objects for row in held for step, end in row.items() if step == 1]
    assert kept
    assert all(set(each) == {"id", "kind"} for objects in kept for each in objects)
    last = world.scheduler._desk.lanes._last_added
    assert world.scheduler._desk.lanes.open == 0
    assert last is not None
    assert not last.followers


PAGED = """
rows: [%s]
steps:
  - {name: list, cmdlet: Get-Mailbox, parameters: {Identity: "${Name}", Key: "${Row}.1"}}
  - cmdlet: Set-Mailbox
    when: count(list) > 3
    parameters: {Identity: "${Name}", Note: "${steps.list.Tag}", Key: "${Row}.2"}
"""


@pytest.mark.parametrize(("per_page", "pages", "fails"), [(2, 3, False), (400, 2, False), (400, 3, True)])
def test_pages_are_part_of_what_a_step_returned(
    tmp_path: Path, per_page: int, pages: int, fails: bool
) -> None:
    turned = iter(range(1, 100))

    def page(sent: Sent) -> Answer:
        if sent.cmdlet == "Set-Mailbox":
            return ok()
        number = next(turned)
        objects = [{"Tag": f"{number}-{place}", "Else": 1} for place in range(per_page)]
        link = {"@odata.nextLink": f"https://service.test/next?page={number}"} if number < pages else {}
        return ok(*objects, **link)

    world = World(FakeService(page)).run(items(tmp_path, 1, PAGED))
    end = world.by_key["1.2"]
    if fails:
        assert end.error is not None
        assert "returned 1,200 objects, and a later step can use 1,000 at most" in end.error.message
    else:
        sent = world.service.arrivals[-1].items[0].parameters["Note"]
        assert sent == [f"{n}-{place}" for n in range(1, pages + 1) for place in range(per_page)]


@pytest.mark.parametrize("visible", [True, False])
def test_a_value_that_was_lost_with_its_answer_is_read_from_the_object(tmp_path: Path, visible: bool) -> None:
    """The first sending did it, and its answer never came; the second only hears that the name is taken."""

    def lossy(sent: Sent) -> Answer:
        if sent.cmdlet == "New-Mailbox":
            return None if sent.nth == 1 else error(400, "Microsoft.ProxyAddressExistsException")
        if sent.key.startswith("look:"):
            return ok({"Id": "id-found", "Kind": "even"}) if visible and sent.nth > 1 else not_found()
        return answer(sent)

    world = World(FakeService(lossy)).run(items(tmp_path, 1))
    assert world.statuses()["1.1"] is Status.SUCCEEDED
    assert world.by_key["1.1"].attempts == 2
    if visible:
        assert world.by_key["1.2"].item.identity == "id-found"
        assert world.statuses()["1.3"] is Status.SUCCEEDED
    else:
        error_of = world.by_key["1.2"].error
        assert error_of is not None
        assert "The step make returned no object" in error_of.message


WAITING = """
retry_not_found: 100
rows: [%s]
cmdlet: Set-Mailbox
parameters: {Identity: "${Name}", Key: "${Row}.1"}
"""


@pytest.mark.parametrize(("appears", "status"), [(4, Status.SUCCEEDED), (99, Status.FAILED)])
def test_an_object_that_is_not_found_yet_is_waited_for(tmp_path: Path, appears: int, status: Status) -> None:
    service = FakeService(lambda sent: not_found() if sent.nth < appears else ok())
    world = World(service).run(items(tmp_path, 1, WAITING))
    assert world.statuses() == {"1.1": status}
    starts = world.starts("1.1")
    assert starts[:4] == pytest.approx([0, 3, 8, 17], abs=0.01)  # after 2, 4, 8 s, and 1 s for each answer
    assert starts[-1] < 101
    assert status is Status.SUCCEEDED or starts[-1] == pytest.approx(101, abs=1.1)


def test_other_failures_are_not_waited_for(tmp_path: Path) -> None:
    service = FakeService(lambda sent: error(400, "Some.Exception"))
    world = World(service).run(items(tmp_path, 1, WAITING))
    assert len(world.starts("1.1")) == 1


def test_a_run_that_goes_on_takes_values_of_the_one_before(tmp_path: Path) -> None:
    class Before(Left):
        def earlier(self, item: Item) -> Earlier:
            objects = [{"id": "id-of-old", "kind": "even"}]
            return {1: Ended(Status.SUCCEEDED, objects, 1)} if item.row == 1 else {}

    left = (item for item in items(tmp_path, 2) if (item.row, item.step) != (1, 1))
    world = World(FakeService(answer), past=Before()).run(left)
    sent = {each.key: each.parameters for arrival in world.service.arrivals for each in arrival.items}
    assert sent["1.2"]["Identity"] == sent["1.3"]["Identity"] == "id-of-old"
    assert world.statuses()["1.3"] is Status.SUCCEEDED


def test_what_cannot_be_read_back_stops_the_run(tmp_path: Path) -> None:
    class Gone(Left):
        def earlier(self, item: Item) -> Earlier:
            raise UsageError("What an earlier step returned cannot be read.")

    world = World(FakeService(answer), past=Gone()).run(items(tmp_path, 2))
    assert isinstance(world.error, UsageError)
    assert [arrival.keys for arrival in world.service.arrivals] == []


KEEP = """
rows: [%s]
keep: value.Kind == 'odd'
cmdlet: Get-Mailbox
parameters: {Filter: "${Name}", Key: "${Row}.1"}
"""


def test_of_what_came_only_some_is_kept(tmp_path: Path) -> None:
    def each(sent: Sent) -> Answer:
        number = int(sent.key.partition(".")[0])
        return ok({"Id": 1, "Kind": "even"}, *[{"Id": 2, "Kind": "odd"}] * (number % 2))

    world = World(FakeService(each)).run(items(tmp_path, 2, KEEP))
    assert world.value("1.1") == [{"Id": 2, "Kind": "odd"}]
    assert world.value("2.1") == []


def test_many_pages_of_which_nothing_is_kept_are_no_endless_list(tmp_path: Path) -> None:
    def each(sent: Sent) -> Answer:
        page = int(sent.url.rpartition("=")[2]) if "skip=" in sent.url else 0
        more = {"@odata.nextLink": f"https://service.test/adminapi/beta/tenant/x?skip={page + 1}"}
        return ok({"Id": page, "Kind": "odd" if page == 149 else "even"}, **(more if page < 150 else {}))

    world = World(FakeService(each)).run(items(tmp_path, 1, KEEP))
    assert world.statuses() == {"1.1": Status.SUCCEEDED}
    assert world.value("1.1") == [{"Id": 149, "Kind": "odd"}]

"""What is read before an item is sent: in batches, once, handed on, and never a reason to send unread."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bulkexo.model import Failure, Item, Status
from bulkexo.schedule import Ending, Found, Rules, Settings

from .fakes import Answer, FakeService, Sent, error, not_found, ok, passing, throttled
from .world import World, item, rows


@dataclass
class Looking:
    """Reads the twin of every Set- and Add-. endings: what is decided, by identity."""

    endings: dict[str, Ending] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def question(self, about: Item) -> Item | None:
        self.asked.append(about.row)
        if about.cmdlet.startswith("Get-"):
            return None
        parameters = {"Identity": about.identity, "Key": f"read {about.row}"}
        return replace(about, cmdlet="Get-Mailbox", parameters=parameters)

    def answer(self, about: Item, found: Found) -> Ending | None:
        self.found[about.identity] = found
        return self.endings.get(about.identity)


def world(each: object = None, looking: Looking | None = None, **options: object) -> tuple[World, Looking]:
    looking = looking or Looking()
    service = FakeService(each=each) if callable(each) else FakeService()
    return World(service=service, before=looking, settings=Settings(**options)), looking  # type: ignore[arg-type]


def sent(of: World) -> list[list[str]]:
    return [[one.cmdlet for one in arrival.items] for arrival in of.service.arrivals]


def test_the_reads_go_in_batches_and_then_what_they_are_for() -> None:
    here, looking = world(lambda one: ok({"Name": one.identity}) if one.cmdlet == "Get-Mailbox" else ok())
    here.concurrency = 1
    here.run(rows(20))
    assert sorted(sent(here)) == [["Get-Mailbox"] * 10] * 2 + [["Set-Mailbox"] * 10] * 2
    assert sent(here)[0] == ["Get-Mailbox"] * 10
    assert set(here.statuses().values()) == {Status.SUCCEEDED}
    assert looking.found["user7@contoso.com"] == Found(there=True, value=[{"Name": "user7@contoso.com"}])
    assert {outcome.attempts for outcome in here.outcomes} == {1}


def test_a_read_of_its_own_asks_for_nothing_and_is_asked_about_once() -> None:
    here, looking = world()
    here.run([item(1, "Get-Mailbox"), item(2)])
    assert sorted(looking.asked) == [1, 2]
    assert sum(map(len, sent(here))) == 3


def test_an_object_that_is_not_there_is_an_answer_and_the_item_goes() -> None:
    here, looking = world(lambda one: not_found() if one.cmdlet == "Get-Mailbox" else ok())
    here.run(rows(1))
    assert looking.found["user1@contoso.com"].there is False
    assert here.statuses() == {"1.1": Status.SUCCEEDED}


def test_more_pages_are_not_read_but_known_of() -> None:
    link = {"@odata.nextLink": "https://service.test/adminapi/beta/tenant/InvokeCommand?$skiptoken=1"}
    here, looking = world(lambda one: ok({"Name": "a"}, **link) if one.cmdlet == "Get-Mailbox" else ok())
    here.run(rows(1))
    assert looking.found["user1@contoso.com"] == Found(there=True, value=[{"Name": "a"}], whole=False)


@pytest.mark.parametrize("trouble", [throttled(), passing()])
def test_a_read_is_tried_again_as_reads_are(trouble: Answer) -> None:
    def each(one: Sent) -> Answer:
        return trouble if one.cmdlet == "Get-Mailbox" and one.nth < 3 else ok()

    here, _ = world(each)
    here.run(rows(1, "Add-MailboxPermission"))
    assert here.by_key["1.1"].status is Status.SUCCEEDED
    assert here.by_key["1.1"].attempts == 1


def test_what_cannot_be_read_is_not_sent_and_says_so() -> None:
    def each(one: Sent) -> Answer:
        return error(403, text="Not you.") if one.cmdlet == "Get-Mailbox" else ok()

    here, _ = world(each)
    here.run([item(1, "Add-MailboxPermission"), item(1, "Set-Mailbox", step=2)])
    assert here.statuses() == {"1.1": Status.FAILED, "1.2": Status.SKIPPED}
    failure = here.by_key["1.1"].error
    assert failure is not None
    assert failure.message.startswith("Add-MailboxPermission was not sent, since what is there now could not")
    assert "Get-Mailbox" in failure.message
    assert not here.announced


def test_a_read_without_an_answer_leaves_nothing_in_doubt() -> None:
    here, _ = world(lambda one: None if one.cmdlet == "Get-Mailbox" else ok(), rules=Rules(retries=1))
    here.run([item(1, "New-Mailbox")])
    assert here.statuses() == {"1.1": Status.FAILED}
    assert here.by_key["1.1"].attempts == 0


def test_what_was_found_can_end_an_item_unsent() -> None:
    same = Ending(Status.UNCHANGED, warnings=["It is there already."])
    other = Ending(Status.FAILED, Failure("bulkexo:changed", "", "It has changed since."))
    looking = Looking({"user1@contoso.com": same, "user2@contoso.com": other})
    here, _ = world(looking=looking)
    here.run(rows(3))
    assert here.statuses() == {"1.1": Status.UNCHANGED, "2.1": Status.FAILED, "3.1": Status.SUCCEEDED}
    assert [one for batch in sent(here) for one in batch].count("Set-Mailbox") == 1
    assert here.by_key["1.1"].warnings == ["It is there already."]
    assert here.by_key["1.1"].attempts == 0


def test_strict_holds_for_what_was_found_as_well() -> None:
    looking = Looking({"user1@contoso.com": Ending(Status.UNCHANGED, warnings=["It is there already."])})
    here, _ = world(looking=looking, rules=Rules(strict=True))
    here.run(rows(1))
    assert here.statuses() == {"1.1": Status.FAILED}


def test_what_is_settled_without_a_read_ends_unsent() -> None:
    class Settled(Looking):
        def question(self, about: Item) -> Item | Ending | None:  # type: ignore[override]
            if about.row % 2:
                return Ending(Status.UNCHANGED, warnings=("Nothing to do.",))
            return super().question(about)

    here, looking = world(lambda one: ok(), Settled())
    here.run(rows(40))
    assert sum(map(len, sent(here))) == 40  # a read and a write for every second one
    found = {outcome.item.row: outcome for outcome in here.outcomes}
    assert len(found) == 40
    assert all(found[row].status is Status.UNCHANGED and not found[row].attempts for row in range(1, 41, 2))
    assert all(found[row].status is Status.SUCCEEDED for row in range(2, 41, 2))
    assert len(looking.found) == 20


def test_later_steps_of_what_is_left_out_are_left_out_too() -> None:
    class Settled(Looking):
        def question(self, about: Item) -> Item | Ending | None:  # type: ignore[override]
            failure = Failure("bulkexo:missing", "", "It is not there.")
            return Ending(Status.SKIPPED, failure) if about.step == 1 else None

    here, _ = world(lambda one: ok(), Settled())
    here.run([item(1), item(1, step=2)])
    assert here.statuses() == {"1.1": Status.SKIPPED, "1.2": Status.SKIPPED}
    assert here.service.arrivals == []

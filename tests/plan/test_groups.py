"""One read for each object of a row; what many rows share is asked once; steps see what those before do."""

from __future__ import annotations

from typing import Any

from bulkexo.compare import Assessed, Change
from bulkexo.model import Failure, Item
from bulkexo.plan.groups import Answer, Groups


def item(row: int, cmdlet: str = "Set-Mailbox", step: int = 1, **parameters: Any) -> Item:
    return Item(row, step, cmdlet, str(parameters.get("Identity", "")), parameters, {})


def answered(
    groups: Groups, items: list[Item], **found: Any
) -> tuple[list[Item], dict[tuple[int, int], Assessed]]:
    """The reads, and what each item comes to. found: what a read shows, by its Identity; None if nothing."""
    reads: list[Item] = []
    told: dict[tuple[int, int], Assessed] = {}

    def take(group: Any) -> None:
        for each, assessed in group.assessed():
            assert (each.row, each.step) not in told
            told[each.row, each.step] = assessed

    for read, key, group in groups.of(items):
        if group is not None:
            take(group)
        if read is not None:
            reads.append(read)
            answer = found.get(str(read.parameters["Identity"]), [])
            whole = answer if isinstance(answer, Answer) else Answer(answer)
            for complete in groups.answer(key, whole):
                take(complete)
    assert set(told) == {(each.row, each.step) for each in items}
    return reads, told


def test_one_read_for_the_steps_of_an_object() -> None:
    steps = [
        item(1, Identity="ada", Office="1"),
        item(1, step=2, Identity="ADA", CustomAttribute1="x"),
        item(1, "Set-CASMailbox", step=3, Identity="ada", PopEnabled=False),
    ]
    ada = [{"Office": "1", "CustomAttribute1": "", "PopEnabled": True}]
    reads, told = answered(Groups(), steps, ada=ada)
    assert [read.cmdlet for read in reads] == ["Get-Mailbox", "Get-CASMailbox"]
    assert {"Office", "CustomAttribute1"} <= set(reads[0].select)
    assert [told[1, step].change for step in (1, 2, 3)] == [Change.NONE, Change.CHANGE, Change.CHANGE]


def test_a_step_sees_what_the_one_before_puts() -> None:
    steps = [item(1, step=step, Identity="ada", Office=text) for step, text in ((1, "2"), (2, "2"), (3, "1"))]
    _, told = answered(Groups(), steps, ada=[{"Office": "1"}])
    assert [told[1, step].change for step in (1, 2, 3)] == [Change.CHANGE, Change.NONE, Change.CHANGE]
    assert told[1, 3].before == {"Office": "2"}


def test_other_recipients_are_asked_for_once() -> None:
    jobs = [item(row, Identity=f"u{row}", ForwardingAddress="boss@x.y") for row in (1, 2, 3)]
    boss = [{"Name": "The Boss", "PrimarySmtpAddress": "boss@x.y"}]
    shown = {"u1": [{"ForwardingAddress": "The Boss"}], "u2": [{"ForwardingAddress": "Another"}]}
    found = {**shown, "u3": [{"ForwardingAddress": None}], "boss@x.y": boss}
    reads, told = answered(Groups(), jobs, **found)
    assert [read.cmdlet for read in reads].count("Get-Recipient") == 1
    assert [told[row, 1].change for row in (1, 2, 3)] == [Change.NONE, Change.CHANGE, Change.CHANGE]


def test_the_members_of_a_group_are_read_once() -> None:
    jobs = [item(row, "Add-DistributionGroupMember", Identity="g", Member=f"u{row}") for row in range(1, 30)]
    reads, told = answered(Groups(), jobs, g=[{"Alias": "u7"}, {"Alias": "u9"}])
    assert [read.cmdlet for read in reads] == ["Get-DistributionGroupMember", "Get-DistributionGroup"]
    assert [row for (row, _), each in told.items() if each.change is Change.NONE] == [7, 9]


def test_members_of_a_group_from_on_premises_are_changed_there() -> None:
    """It is the group that counts, not whoever is in it."""
    jobs = [
        item(1, "Add-DistributionGroupMember", Identity="g", Member="u1"),
        item(2, "Add-DistributionGroupMember", Identity="g", Member="u7"),
        item(3, "Remove-DistributionGroupMember", Identity="g", Member="u7"),
    ]
    group, members = [{"IsDirSynced": True}], [{"Alias": "u7", "IsDirSynced": False}]
    groups, told = Groups(), dict[int, Change]()
    for read, key, complete in groups.of(jobs):
        done = [] if complete is None else [complete]
        if read is not None:
            done += groups.answer(key, Answer(group if read.cmdlet == "Get-DistributionGroup" else members))
        told |= {each.row: assessed.change for part in done for each, assessed in part.assessed()}
    assert told == {1: Change.ON_PREMISES, 2: Change.NONE, 3: Change.ON_PREMISES}


def test_what_an_earlier_step_makes_is_not_missing() -> None:
    steps = [
        item(1, "New-Mailbox", Name="new", PrimarySmtpAddress="new@x.y", Shared=True),
        item(1, step=2, Identity="new@x.y", Office="1"),
        item(2, Identity="gone@x.y", Office="1"),
    ]
    _, told = answered(Groups(), steps, **{"new@x.y": None, "new": None, "gone@x.y": None})
    assert [each.change for each in told.values()] == [Change.CREATE, Change.CHANGE, Change.MISSING]
    there = {"new@x.y": [{"Office": "1"}], "new": [{"Name": "new"}], "gone@x.y": None}
    _, told = answered(Groups(), steps, **there)
    assert [each.change for each in told.values()] == [Change.NONE, Change.NONE, Change.MISSING]


def test_what_cannot_be_read_is_unknown_and_asked_again() -> None:
    refused = Answer([], Failure("Forbidden", "", "No role."))
    groups = Groups()
    jobs = [item(row, Identity="ada", Office="1") for row in (1, 2)]
    reads, told = answered(groups, jobs, ada=refused)
    assert len(reads) == 2
    assert told[1, 1].change is Change.UNKNOWN
    assert "No role." in told[1, 1].why


def test_items_without_a_read() -> None:
    jobs = [item(1, "Start-ManagedFolderAssistant", Identity="ada"), item(2, "Get-Mailbox", Identity="ada")]
    reads, told = answered(Groups(), jobs)
    assert reads == []
    assert (told[1, 1].change, told[2, 1].change) == (Change.UNKNOWN, Change.NONE)


def test_nothing_is_kept_of_what_nobody_shares() -> None:
    groups = Groups()
    for row in range(1, 500):
        answered(groups, [item(row, Identity=f"u{row}", Office="1")], **{f"u{row}": [{"Office": "1"}]})
    assert not groups._kept
    assert not groups._waiting

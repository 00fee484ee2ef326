"""Rows that concern the same object: which count as such, and what finding them takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.job import load, twice
from bulkexo.job.twice import Digests
from tests.job.helpers import save


def found(folder: Path, text: str, cmdlet: str | None = None) -> tuple[str, ...]:
    return load(save(folder, text), cmdlet=cmdlet).check().warnings


def test_the_first_such_row_is_told_and_the_rest_counted(tmp_path: Path) -> None:
    text = "Identity,CustomAttribute1\nada,1\nbob,1\nADA,2\neve,1\nbob,3\nada,4\n"
    assert found(tmp_path, text, "Set-Mailbox") == (
        "job.csv, row 3: Set-Mailbox concerns 'ADA', as row 1 does. Both are sent. "
        "There are 2 more such rows.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "Cmdlet,Identity,CustomAttribute1,ImapEnabled\nSet-Mailbox,ada,1,\nSet-CASMailbox,ada,,false\n",
        "Cmdlet,Identity,User,AccessRights\n"
        "Add-MailboxPermission,sales,ada,FullAccess\nAdd-MailboxPermission,sales,bob,FullAccess\n",
        "Cmdlet,Identity,Member\nAdd-DistributionGroupMember,all,ada\nAdd-DistributionGroupMember,all,bob\n",
        "Cmdlet,Mailbox,Name\nNew-InboxRule,ada,one\nNew-InboxRule,ada,two\n",
        "Cmdlet,Mailbox,Identity\nDisable-InboxRule,ada,1\nDisable-InboxRule,bob,1\n",
        "Cmdlet,Identity\nGet-Mailbox,ada\nGet-Mailbox,ada\n",
        "Cmdlet,Identity\nStart-ManagedFolderAssistant,ada\nStart-ManagedFolderAssistant,ada\n",
    ],
)
def test_rows_that_concern_different_things(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Cmdlet,Identity,User,AccessRights\n"
        "Add-MailboxPermission,sales,ada,FullAccess\nAdd-MailboxPermission,sales,ADA,ReadPermission\n",
        "Cmdlet,Identity,Member\nAdd-DistributionGroupMember,all,ada\nAdd-DistributionGroupMember,all,ada\n",
        "Cmdlet,Name\nNew-DistributionGroup,all\nNew-DistributionGroup,all\n",
        "Cmdlet,Identity\nRemove-MobileDevice,x\nRemove-MobileDevice,x\n",
        "Cmdlet,Identity\nSet-WhatNobodyKnows,x\nSet-WhatNobodyKnows,x\n",
    ],
)
def test_rows_that_concern_the_same(tmp_path: Path, text: str) -> None:
    assert any("row 2" in each and "as row 1 does" in each for each in found(tmp_path, text))


def test_two_steps_of_one_row_may_concern_the_same(tmp_path: Path) -> None:
    step = "{cmdlet: Set-Mailbox, parameters: {Identity: '${Who}', Office: a}}"
    text = f"rows: [{{Who: ada}}, {{Who: bob}}]\nsteps: [{step}, {step}]\n"
    assert load(save(tmp_path, text, "job.yaml")).check().warnings == ()


@pytest.mark.parametrize("held", [1, 7, 1000, 100_000])
def test_what_comes_up_twice_however_much_is_held(held: int) -> None:
    digests = Digests(held)
    different = [(number * 0x9E3779B97F4A7C15 % 2**64) - 2**63 for number in range(1, 5_001)]
    for some in (different[:3000], different[3000:], different[:100], different[:50]):
        digests.extend(some)
    assert digests.twice() == set(different[:100])


def test_digests_that_differ_in_high_bits_only_are_two() -> None:
    digests = Digests()
    digests.extend((5, 5 - (1 << 63), 5))
    assert digests.twice() == {5}


def test_a_temporary_folder_that_is_full_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_words: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(twice, "TemporaryFile", refuse)
    digests = Digests(held=2)
    digests.extend([1] * 9)
    assert digests.twice() == {1}

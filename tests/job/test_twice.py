"""Rows that concern the same object: which count as such, and what finding them takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.job import load
from bulkexo.job.twice import Seen
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


def test_the_first_row_of_each_digest_through_all_growth() -> None:
    seen = Seen()
    digests = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(1, 20_001)]
    assert [seen.first(digest, row) for row, digest in enumerate(digests, 1)] == list(range(1, 20_001))
    assert [seen.first(digest, 99_999) for digest in digests] == list(range(1, 20_001))


def test_digests_that_differ_in_high_bits_only_are_two() -> None:
    seen = Seen()
    assert seen.first(5, 1) == 1
    assert seen.first(5 | 1 << 63, 2) == 2
    assert (seen.first(5, 3), seen.first(5 | 1 << 63, 3)) == (1, 2)


def test_a_full_table_takes_nothing_in_and_still_knows_what_it_has() -> None:
    seen = Seen(limit=64)
    for number in range(1, 1001):
        assert seen.first(number, number) == number
    assert seen.first(48, 2000) == 48
    assert seen.first(1000, 2000) == 2000

"""For random directories and random jobs: undo after run gives the first directory back, but for what undo
listed. More than in every run of the tests: BULKEXO_EXAMPLES=2000."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkexo.journal import RunFolder
from bulkexo.model import Item, Status
from bulkexo.report.undo import write_undo

from .directory import Tenant, different

EXAMPLES = int(os.environ.get("BULKEXO_EXAMPLES", "120"))
MAILBOXES = 8
NUMBERS = st.integers(1, MAILBOXES)
WORDS = st.sampled_from(["CC-1", "CC-2", "Sales", "Zürich", "0042", "true"])
TEXTS = WORDS | st.none() | st.just("")
MAILBOX = NUMBERS.map(lambda number: f"mailbox{number}@contoso.onmicrosoft.com")
GROUP = st.integers(1, 2).map(lambda number: f"group{number}@contoso.onmicrosoft.com")
OWN = st.integers(1, 4).map(lambda number: f"smtp:own{number}@contoso.com")
SIZES = st.sampled_from(["10GB", "20 GB", "49.5 GB (53,150,220,288 bytes)", "Unlimited"])
SPANS = st.sampled_from(["10", "14.00:00:00", "30.00:00:00"])


def some(parameters: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One to four of these parameters."""
    names = st.lists(st.sampled_from(sorted(parameters)), min_size=1, max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: parameters[name] for name in chosen}))


def edits(of: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """A list, or a hashtable of Add and Remove."""
    members = st.lists(of, min_size=1, max_size=2, unique=True)
    added = st.fixed_dictionaries({"Add": members})
    both = st.fixed_dictionaries({"Add": members, "Remove": members})
    return members | st.none() | added | both | st.fixed_dictionaries({"Remove": members})


OF_A_MAILBOX = some(
    {
        **{f"CustomAttribute{number}": TEXTS for number in (1, 2, 15)},
        "DisplayName": WORDS,
        "Alias": st.integers(1, 3).map(lambda number: f"alias-{number}"),
        "MicrosoftOnlineServicesID": st.integers(1, 3).map(lambda number: f"signin{number}@contoso.com"),
        "WindowsEmailAddress": st.integers(1, 3).map(lambda number: f"windows{number}@contoso.com"),
        "EmailAddresses": st.fixed_dictionaries({"Add": st.lists(OWN, min_size=1, max_size=2, unique=True)})
        | st.fixed_dictionaries({"Remove": st.lists(OWN | MAILBOX, min_size=1, max_size=2, unique=True)})
        | st.fixed_dictionaries({"Add": OWN.map(lambda text: "SMTP" + text[4:])}),
        "IssueWarningQuota": SIZES,
        "ProhibitSendQuota": SIZES,
        "RetainDeletedItemsFor": SPANS,
        "MaxSendSize": st.sampled_from(["10 MB", "35MB"]),
        "HiddenFromAddressListsEnabled": st.booleans(),
        "LitigationHoldEnabled": st.booleans(),
        "DeliverToMailboxAndForward": st.booleans(),
        "ForwardingSmtpAddress": st.sampled_from(["smtp:ada@fabrikam.com", None]),
        "ForwardingAddress": MAILBOX | st.none(),
        "GrantSendOnBehalfTo": edits(MAILBOX),
        "Type": st.sampled_from(["Regular", "Shared", "Room", "Equipment"]),
    }
)
OF_CLIENTS = some(
    {name: st.booleans() for name in ("PopEnabled", "ImapEnabled", "OWAEnabled", "ActiveSyncEnabled")}
)
OF_A_USER = some(dict.fromkeys(("Department", "Title", "Office", "City"), TEXTS))
OF_A_GROUP = some(
    {
        "DisplayName": WORDS,
        "HiddenFromAddressListsEnabled": st.booleans(),
        "CustomAttribute1": TEXTS,
        "MemberJoinRestriction": st.sampled_from(["Open", "Closed", "ApprovalRequired"]),
        "PrimarySmtpAddress": st.integers(1, 2).map(lambda number: f"list{number}@contoso.com"),
    }
)
FULL = st.sampled_from([["FullAccess"], ["ReadPermission"], "FullAccess", ["FullAccess", "ReadPermission"]])
FOLDER = st.sampled_from(["Editor", "Reviewer", ["Author"], ["CreateItems", "ReadItems"]])
CALENDAR = MAILBOX.map(lambda identity: f"{identity}:\\Calendar")


def sent(cmdlets: list[str], **parameters: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(cmdlets), st.fixed_dictionaries(parameters))


def with_identity(cmdlet: str, who: st.SearchStrategy[str], rest: st.SearchStrategy[dict[str, Any]]) -> Any:
    return st.tuples(st.just(cmdlet), st.builds(lambda name, more: {"Identity": name, **more}, who, rest))


CHANGES = st.one_of(
    with_identity("Set-Mailbox", MAILBOX, OF_A_MAILBOX),
    with_identity("Set-CASMailbox", MAILBOX, OF_CLIENTS),
    with_identity("Set-User", MAILBOX, OF_A_USER),
    with_identity("Set-DistributionGroup", GROUP, OF_A_GROUP),
    sent(
        ["Add-MailboxPermission", "Remove-MailboxPermission"],
        Identity=MAILBOX, User=MAILBOX, AccessRights=FULL,
    ),
    sent(
        ["Add-RecipientPermission", "Remove-RecipientPermission"],
        Identity=MAILBOX, Trustee=MAILBOX, AccessRights=st.just(["SendAs"]),
    ),
    sent(
        ["Add-MailboxFolderPermission", "Set-MailboxFolderPermission"],
        Identity=CALENDAR, User=MAILBOX | st.just("Default"), AccessRights=FOLDER,
    ),
    sent(["Remove-MailboxFolderPermission"], Identity=CALENDAR, User=MAILBOX),
    sent(
        ["Add-DistributionGroupMember", "Remove-DistributionGroupMember"], Identity=GROUP, Member=MAILBOX
    ),
    sent(["New-DistributionGroup"], Name=st.sampled_from(["Project A", "Project B"])),
)  # fmt: skip
JOBS = st.lists(CHANGES, min_size=1, max_size=14)


def items_of(job: list[tuple[str, dict[str, Any]]]) -> list[Item]:
    return [
        Item(row, 1, cmdlet, str(parameters.get("Identity", "")), parameters, {})
        for row, (cmdlet, parameters) in enumerate(job, 1)
    ]


@contextmanager
def folder() -> Iterator[RunFolder]:
    with tempfile.TemporaryDirectory() as path:
        yield RunFolder(Path(path))


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(1, 5), history=JOBS, job=JOBS)
def test_undo_after_run_gives_the_first_directory_back(seed: int, history: list[Any], job: list[Any]) -> None:
    tenant = Tenant(seed, MAILBOXES)
    tenant.run(items_of(history))
    first = tenant.holds()
    with folder() as run:
        tenant.run(items_of(job), run)
        undo = run.path / "undo.ndjson"
        left_out = run.path / "left.csv"
        write_undo(run, undo, left_out, created=True)
        undone = tenant.run_job(undo) if undo.exists() else []
        text = left_out.read_text(encoding="utf-8-sig") if left_out.exists() else ""
        left = list(csv.DictReader(text.splitlines()))
    bad = [each for each in undone if each.status not in (Status.SUCCEEDED, Status.UNCHANGED)]
    assert not bad, bad[0]
    assert all(each["Why"].startswith("it comes back, but for") for each in left), left
    assert different(first, tenant.holds()) == []

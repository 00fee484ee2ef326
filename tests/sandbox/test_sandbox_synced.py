"""Objects mastered on-premises: read here, changed there."""

from __future__ import annotations

import pytest

from tests.sandbox.helpers import Bench, error_of, objects


def test_a_share_of_the_people_is_synchronised() -> None:
    bench = Bench(mailboxes=1000, synced=30)
    everyone = objects(bench("Get-Mailbox", ResultSize="Unlimited"))
    synced = [row for row in everyone if row["IsDirSynced"]]
    assert 200 < len(synced) < 330
    assert {row["RecipientTypeDetails"] for row in synced} == {"UserMailbox"}
    assert not any(row["IsDirSynced"] for row in objects(Bench()("Get-Mailbox", ResultSize="Unlimited")))
    who = synced[0]["UserPrincipalName"]
    assert bench.get("Get-User", who)["IsDirSynced"] is True
    assert bench.get("Get-Recipient", who)["IsDirSynced"] is True


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "refused"),
    [
        ("Set-Mailbox", {"CustomAttribute1": "x"}, True),
        ("Set-Mailbox", {"ProhibitSendQuota": "10GB", "EmailAddresses": ["SMTP:new@contoso.com"]}, True),
        ("Set-Mailbox", {"ProhibitSendQuota": "10GB"}, False),
        ("Set-User", {"Title": "x"}, True),
        ("Set-CASMailbox", {"PopEnabled": False}, False),
        ("Remove-Mailbox", {}, True),
    ],
)  # fmt: skip
def test_what_is_mastered_there_is_refused_here(
    cmdlet: str, parameters: dict[str, object], refused: bool
) -> None:
    bench = Bench(synced=100)
    (who,) = objects(bench("Get-Mailbox", RecipientTypeDetails=["UserMailbox"], ResultSize=1))
    reply = bench(cmdlet, Identity=who["UserPrincipalName"], **parameters)
    if not refused:
        assert reply.status == 200
        return
    status, kind, text = error_of(reply)
    assert (status, kind) == (400, "InvalidOperationException")
    assert "out of the current user's write scope" in text
    assert "is being synchronized from your on-premises organization" in text

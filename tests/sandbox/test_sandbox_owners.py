"""Language and time zone, answers while away, archives, and mail contacts."""

from __future__ import annotations

from tests.sandbox.helpers import Bench, error_of, objects

ME = "mailbox3@contoso.onmicrosoft.com"
YOU = "mailbox4@contoso.onmicrosoft.com"


def test_language_and_time_zone() -> None:
    bench = Bench()
    zone = "W. Europe Standard Time"
    given = {"Language": "de-CH", "TimeZone": zone, "DateFormat": "dd.MM.yyyy", "TimeFormat": "HH:mm"}
    before = bench.get("Get-MailboxRegionalConfiguration", ME)
    assert (before["Language"], before["DefaultFolderNameMatchingUserLanguage"]) == (None, False)
    assert bench("Set-MailboxRegionalConfiguration", Identity=ME, **given).status == 200
    after = bench.get("Get-MailboxRegionalConfiguration", ME)
    assert {name: after[name] for name in given} == given
    assert (
        bench("Set-MailboxRegionalConfiguration", Identity=ME, LocalizeDefaultFolderName=True).status == 200
    )
    assert bench.get("Get-MailboxRegionalConfiguration", ME)["DefaultFolderNameMatchingUserLanguage"] is True
    again = bench("Set-MailboxRegionalConfiguration", Identity=ME, **given).body
    assert "no settings of" in str(again)


def test_answers_while_away() -> None:
    bench = Bench()
    assert bench.get("Get-MailboxAutoReplyConfiguration", ME)["AutoReplyState"] == "Disabled"
    given = {"AutoReplyState": "Scheduled", "StartTime": "2026-12-24T17:00:00", "InternalMessage": "Away."}
    assert bench("Set-MailboxAutoReplyConfiguration", Identity=ME, **given).status == 200
    after = bench.get("Get-MailboxAutoReplyConfiguration", ME)
    assert (after["AutoReplyState"], after["InternalMessage"]) == ("Scheduled", "Away.")
    assert after["StartTime"] == "2026-12-24T17:00:00Z"
    assert bench.get("Get-MailboxAutoReplyConfiguration", YOU)["EndTime"] is None


def test_an_archive_is_made_once() -> None:
    bench = Bench()
    (made,) = objects(bench("Enable-Mailbox", Identity=ME, Archive=True))
    assert made["ArchiveStatus"] == "Active"
    assert bench.get("Get-Mailbox", ME)["ArchiveGuid"] == made["ArchiveGuid"]
    assert "already has an archive" in str(error_of(bench("Enable-Mailbox", Identity=ME, Archive=True)))
    assert bench("Enable-Mailbox", Identity=ME).status == 400


def test_contacts() -> None:
    bench = Bench()
    given = {"Name": "Vera Lund", "ExternalEmailAddress": "vera@example.net", "FirstName": "Vera"}
    (made,) = objects(bench("New-MailContact", **given))
    assert (made["PrimarySmtpAddress"], made["ExternalEmailAddress"]) == (
        "vera@example.net",
        "SMTP:vera@example.net",
    )
    for twice in ({**given, "Name": "Vera Two"}, {**given, "ExternalEmailAddress": "other@example.net"}):
        assert "already being used" in str(error_of(bench("New-MailContact", **twice)))
    taken = {"Name": "One of ours", "ExternalEmailAddress": ME}
    assert "already being used" in str(error_of(bench("New-MailContact", **taken)))
    assert bench("Set-MailContact", Identity="vera lund", HiddenFromAddressListsEnabled=True).status == 200
    assert bench.get("Get-MailContact", "vera@example.net")["HiddenFromAddressListsEnabled"] is True
    assert bench("Remove-MailContact", Identity="vera@example.net").status == 200
    assert objects(bench("Get-MailContact")) == []

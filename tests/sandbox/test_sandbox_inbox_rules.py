"""Inbox rules: what is there at the start, what can be made, and how recipients stand in them."""

from __future__ import annotations

from tests.sandbox.helpers import Bench, error_of, objects

ME = "mailbox3@contoso.onmicrosoft.com"
YOU = "mailbox4@contoso.onmicrosoft.com"


def rules(bench: Bench, mailbox: str = ME) -> list[dict[str, object]]:
    return objects(bench("Get-InboxRule", Mailbox=mailbox))


def all_rules(bench: Bench) -> list[dict[str, object]]:
    names = [f"mailbox{number}@contoso.onmicrosoft.com" for number in range(1, 201)]
    return [rule for name in names for rule in rules(bench, name)]


def test_some_mailboxes_forward_at_the_start() -> None:
    bench = Bench()
    found = [
        rule for number in range(1, 201) for rule in rules(bench, f"mailbox{number}@contoso.onmicrosoft.com")
    ]
    text = str(found)
    assert "[EX:/o=ExchangeLabs" in text
    assert ".example]" in text
    assert 10 < len(found) < 60
    assert len({rule["RuleIdentity"] for rule in found}) == len(found)
    assert all_rules(bench) == found


def test_a_rule_is_made_switched_off_and_removed() -> None:
    bench = Bench()
    before = len(rules(bench))
    (made,) = objects(
        bench(
            "New-InboxRule",
            Mailbox=ME,
            Name="Out",
            ForwardTo=["x@example.net", YOU],
        )
    )
    assert made["Name"] == "Out"
    outside, inside = made["ForwardTo"]
    assert outside == '"x@example.net" [SMTP:x@example.net]'
    assert "[EX:/o=" in inside
    assert (made["Priority"], made["Enabled"]) == (1, True)
    assert bench("Disable-InboxRule", Mailbox=ME, Identity="out").status == 200
    (shown,) = objects(bench("Get-InboxRule", Mailbox=ME, Identity=str(made["RuleIdentity"])))
    assert shown["Enabled"] is False
    assert bench("Enable-InboxRule", Identity=made["Identity"]).status == 200
    assert bench("Remove-InboxRule", Mailbox=ME, Identity="Out").status == 200
    assert len(rules(bench)) == before


def test_a_name_in_a_rule_that_is_nobody_s_is_refused() -> None:
    bench = Bench()
    assert error_of(bench("New-InboxRule", Mailbox=ME, Name="Out", ForwardTo=["nobody"]))[0] == 404
    assert (
        error_of(bench("Get-InboxRule", Mailbox=ME, Identity="none"))[1]
        == "ManagementObjectNotFoundException"
    )
    assert error_of(bench("Get-InboxRule"))[1] == "ParameterBindingException"

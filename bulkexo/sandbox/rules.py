"""Inbox rules: some mailboxes have one or two, made from their number; further ones can be made.

Recipients stand in a rule as Outlook shows them: `"Ada" [EX:/o=ExchangeLabs/…]` for an object of the tenant,
`"ada@example.net" [SMTP:ada@example.net]` for an address elsewhere (people's scripts tell them apart so). The
shape of the rest is that of Microsoft's reference; which properties come besides is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.people import mix
from bulkexo.sandbox.tenant import Handler, Result, Run, Tenant
from bulkexo.sandbox.values import Edit
from bulkexo.sandbox.views import Row, render

Rule = dict[str, Any]
"""What sets a rule apart from `_EMPTY`. RuleIdentity: its number, unlike any other of the mailbox."""

_EMPTY: Final = {
    "Name": "", "Enabled": True, "Priority": 1, "RuleIdentity": 0, "Description": "", "InError": False,
    "ErrorType": "", "ForwardTo": None, "ForwardAsAttachmentTo": None, "RedirectTo": None,
    "MoveToFolder": None, "CopyToFolder": None, "DeleteMessage": False, "MarkAsRead": False, "From": None,
    "SentTo": None, "SubjectContainsWords": None, "SubjectOrBodyContainsWords": None,
    "BodyContainsWords": None,
    "FromAddressContainsWords": None, "HasAttachment": False, "StopProcessingRules": True,
    "SupportedByTask": True, "Legacy": False, "Identity": "", "MailboxOwnerId": "", "IsValid": True,
    "ObjectState": "Unchanged",
}  # fmt: skip
_RECIPIENTS: Final = ("ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "From", "SentTo")
_PARTNERS: Final = ("fabrikam.example", "northwind.example", "mail.example")


def rules(tenant: Tenant, mailbox: int) -> list[Rule]:
    """The rules of a mailbox, as they may be changed: of a hundred people, thirteen have one that sorts,
    two one that forwards to a colleague, and one forwards to an address elsewhere."""
    shelf = tenant.shelves.setdefault("inbox rules", {})
    if mailbox not in shelf:
        shelf[mailbox] = list(_made(tenant, mailbox))
    found: list[Rule] = shelf[mailbox]
    return found


def _made(tenant: Tenant, mailbox: int) -> list[Rule]:
    bits = mix(tenant.people.seed, 12, mailbox)
    people = tenant.people
    if mailbox > people.mailboxes or people.mailbox(mailbox)["RecipientTypeDetails"] != "UserMailbox":
        return []
    chance, found = bits % 100, []
    if chance < 13:
        found.append(
            {"Name": "Newsletters", "MoveToFolder": "Newsletters", "SubjectContainsWords": ["newsletter"]}
        )
    elif chance < 15:
        colleague = (bits >> 8) % people.mailboxes + 1
        found.append({"Name": "While I am away", "ForwardTo": [_inside(tenant, colleague)]})
    elif chance == 15:
        local = tenant.facts(mailbox)["Alias"]
        address = f"{local}@{_PARTNERS[(bits >> 8) % len(_PARTNERS)]}"
        found.append({"Name": "A copy for home", "RedirectTo": [_outside(address)]})
    return [{**rule, "RuleIdentity": 2**63 + (bits >> 1) + place} for place, rule in enumerate(found)]


def _inside(tenant: Tenant, identifier: int) -> str:
    facts = tenant.facts(identifier)
    return f'"{facts["DisplayName"]}" [EX:{facts["LegacyExchangeDN"]}]'


def _outside(address: str) -> str:
    return f'"{address}" [SMTP:{address}]'


def get(run: Run) -> Result:
    """All rules of a mailbox, or one."""
    mailbox = _mailbox(run)
    named = run.bound.get("Identity")
    wanted = rules(run.tenant, mailbox) if named is None else [_find(run, mailbox, named)]
    return limited(run, in_memory([_row(run, mailbox, rule) for rule in wanted]))


def new(run: Run) -> Result:
    """One rule more, before all others."""
    mailbox = _mailbox(run)
    if not run.bound.get("Name"):
        raise errors.missing_parameters("Name")
    known = rules(run.tenant, mailbox)
    rule: Rule = {"Name": run.bound["Name"], "RuleIdentity": _number(run.tenant, mailbox, len(known))}
    for name, value in run.bound.items():
        if name in _EMPTY and name not in rule and value is not None:
            rule[name] = _given(run.tenant, name, value)
    known.insert(0, rule)
    return Result([_row(run, mailbox, rule)], changed=True)


def remove(run: Run) -> Result:
    """One rule fewer."""
    mailbox = _mailbox(run)
    rules(run.tenant, mailbox).remove(_find(run, mailbox, run.bound["Identity"]))
    return Result(changed=True)


def enable(run: Run) -> Result:
    """A rule that works."""
    return _switched(run, on=True)


def disable(run: Run) -> Result:
    """A rule that does nothing."""
    return _switched(run, on=False)


def _switched(run: Run, *, on: bool) -> Result:
    rule = _find(run, _mailbox(run), run.bound["Identity"])
    changed = rule.get("Enabled", True) != on
    rule["Enabled"] = on
    return Result(changed=changed)


def _mailbox(run: Run) -> int:
    """An app has no mailbox of its own, so one has to be named; `Identity` can do it, before a backslash."""
    named = run.bound.get("Mailbox") or (run.bound.get("Identity") or "").rpartition("\\")[0]
    if not named:
        raise errors.missing_parameters("Mailbox")
    return run.tenant.mailbox(named)


def _find(run: Run, mailbox: int, identity: str) -> Rule:
    named = identity.rpartition("\\")[2].casefold()
    for rule in rules(run.tenant, mailbox):
        if named in (str(rule["RuleIdentity"]), rule["Name"].casefold()):
            return rule
    raise errors.not_found(identity)


def _number(tenant: Tenant, mailbox: int, place: int) -> int:
    made = tenant.shelves["inbox rules made"] = tenant.shelves.get("inbox rules made", 0) + 1
    return 2**63 + (mix(tenant.people.seed, 13, mailbox, place, made) >> 1)


def _given(tenant: Tenant, name: str, value: Any) -> Any:
    if not isinstance(value, Edit):
        return value
    texts = value.applied([])
    return [_recipient(tenant, text) for text in texts] if name in _RECIPIENTS else texts


def _recipient(tenant: Tenant, text: str) -> str:
    """Whom a rule names; an address that nobody in the tenant has is one elsewhere. Raises CmdletError."""
    address = text.partition(":")[2] if text.lower().startswith("smtp:") else text
    if found := tenant.directory.lookup(address):
        return _inside(tenant, found[0])
    if "@" not in address:
        raise errors.not_found(text)
    return _outside(address)


def _row(run: Run, mailbox: int, rule: Mapping[str, Any]) -> Row:
    owner = run.tenant.facts(mailbox)["Name"]
    priority = rules(run.tenant, mailbox).index(dict(rule)) + 1
    named = {"Identity": f"{owner}\\{rule['RuleIdentity']}", "MailboxOwnerId": owner, "Priority": priority}
    return render({**_EMPTY, **rule, **named}, {}, run.select)


HANDLERS: dict[str, Handler] = {
    "Get-InboxRule": get,
    "New-InboxRule": new,
    "Remove-InboxRule": remove,
    "Enable-InboxRule": enable,
    "Disable-InboxRule": disable,
}

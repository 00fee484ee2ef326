"""What the owner of a mailbox else sets in Outlook: language, time zone, and what is answered while away.

The properties are those that the Set- cmdlets take (Microsoft's reference); their defaults are guesses.
"""

from __future__ import annotations

from typing import Any, Final

from bulkexo.sandbox import errors
from bulkexo.sandbox.tenant import Handler, Result, Run, Tenant, apply_settings
from bulkexo.sandbox.views import Row, render

_REGIONAL: Final[dict[str, Any]] = {
    "Language": None, "TimeZone": None, "DateFormat": "", "TimeFormat": "",
    "DefaultFolderNameMatchingUserLanguage": False, "Identity": "", "IsValid": True,
    "ObjectState": "Unchanged",
}  # fmt: skip
"""Of a mailbox into which nobody has looked yet."""
_AWAY: Final[dict[str, Any]] = {
    "AutoReplyState": "Disabled", "StartTime": None, "EndTime": None, "InternalMessage": "",
    "ExternalMessage": "", "ExternalAudience": "All", "AutoDeclineFutureRequestsWhenOOF": False,
    "CreateOOFEvent": False, "DeclineAllEventsForScheduledOOF": False, "DeclineEventsForScheduledOOF": False,
    "DeclineMeetingMessage": "", "EventsToDeleteIDs": [], "OOFEventSubject": "", "MailboxOwnerId": "",
    "Identity": "", "IsValid": True, "ObjectState": "Unchanged",
}  # fmt: skip


def get_regional(run: Run) -> Result:
    """Of one mailbox."""
    identifier = _mailbox(run)
    return Result([_row(run.tenant, identifier, _REGIONAL, run.select)])


def set_regional(run: Run) -> Result:
    """Language, time zone and the formats of dates and times; with `LocalizeDefaultFolderName` the folders
    have their names in that language from then on."""
    identifier = _mailbox(run)
    localized = run.switch("LocalizeDefaultFolderName")
    before = run.tenant.facts(identifier).get("DefaultFolderNameMatchingUserLanguage", False)
    result = apply_settings(run, identifier, _REGIONAL)
    if localized and not before:
        run.tenant.write(identifier, {"DefaultFolderNameMatchingUserLanguage": True}, run.stamp)
        return Result(changed=True)
    return result


def get_away(run: Run) -> Result:
    """Of one mailbox."""
    return Result([_row(run.tenant, _mailbox(run), _AWAY, run.select)])


def set_away(run: Run) -> Result:
    """Any of it."""
    return apply_settings(run, _mailbox(run), _AWAY)


def _mailbox(run: Run) -> int:
    if not run.bound.get("Identity"):
        raise errors.missing_parameters("Identity")
    return run.tenant.mailbox(run.bound["Identity"])


def _row(tenant: Tenant, identifier: int, template: dict[str, Any], select: Any) -> Row:
    facts = {name: value for name, value in tenant.facts(identifier).items() if name in template}
    owner = tenant.facts(identifier)["Name"]
    return render(template, {**facts, "Identity": owner, "MailboxOwnerId": owner}, select)


HANDLERS: dict[str, Handler] = {
    "Get-MailboxRegionalConfiguration": get_regional,
    "Set-MailboxRegionalConfiguration": set_regional,
    "Get-MailboxAutoReplyConfiguration": get_away,
    "Set-MailboxAutoReplyConfiguration": set_away,
}

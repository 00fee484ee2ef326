"""Get-, Set-User and Get-Recipient."""

from __future__ import annotations

from bulkexo.sandbox.lists import read
from bulkexo.sandbox.tenant import Handler, Result, Run, apply_settings
from bulkexo.sandbox.views import RECIPIENT, USER


def get_user(run: Run) -> Result:
    """The accounts behind the mailboxes."""
    return read(run, USER)


def set_user(run: Run) -> Result:
    """Any attribute of an account. `WhatIf` is not honoured, as users of the service saw."""
    return apply_settings(run, run.tenant.mailbox(run.bound["Identity"]), USER)


def get_recipient(run: Run) -> Result:
    """Mailboxes, then groups; `Properties` narrows what is returned as `$select` does."""
    wanted = run.bound.get("Properties")
    if wanted is not None and run.select is None:
        names = tuple(part.strip() for text in wanted.replace for part in text.split(","))
        run = Run(run.tenant, run.signature, run.bound, names, run.stamp)
    return read(run, RECIPIENT, groups=True)


HANDLERS: dict[str, Handler] = {"Get-User": get_user, "Set-User": set_user, "Get-Recipient": get_recipient}

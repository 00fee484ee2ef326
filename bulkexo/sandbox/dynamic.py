"""Dynamic distribution groups: one a department, `all-sales@…`, whose members are found when they are asked
for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.names import DEPARTMENTS
from bulkexo.sandbox.people import plain
from bulkexo.sandbox.tenant import Handler, Result, Run
from bulkexo.sandbox.views import RECIPIENT, Row, render


def _group(run: Run, department: str) -> dict[str, Any]:
    alias = f"all-{plain(department)}"
    address = f"{alias}@{run.tenant.people.main_domain}"
    return {
        "Name": f"All {department}", "DisplayName": f"All {department}", "Identity": f"All {department}",
        "Alias": alias, "PrimarySmtpAddress": address, "EmailAddresses": [f"SMTP:{address}"],
        "RecipientType": "DynamicDistributionGroup", "RecipientTypeDetails": "DynamicDistributionGroup",
        "RecipientFilter": f"Department -eq '{department}'", "IncludedRecipients": "MailboxUsers",
        "ManagedBy": None, "IsValid": True, "ObjectState": "Unchanged",
    }  # fmt: skip


def _department(run: Run, identity: str) -> str:
    """The department of the group that is named. Raises CmdletError."""
    key = identity.strip().casefold()
    for department in DEPARTMENTS:
        group = _group(run, department)
        if key in {group[name].casefold() for name in ("Name", "Alias", "PrimarySmtpAddress")}:
            return department
    raise errors.not_found(identity)


def get_group(run: Run) -> Result:
    """All, or one."""
    identity = run.bound.get("Identity")
    departments = DEPARTMENTS if identity is None else (_department(run, identity),)
    return limited(run, in_memory([render(_group(run, each), {}, run.select) for each in departments]))


def get_members(run: Run) -> Result:
    """Whose department it is, in pages."""
    department = _department(run, run.bound["Identity"])
    directory = run.tenant.directory

    def scan(after: int) -> Iterator[tuple[int, Row]]:
        for identifier in directory.identifiers(groups=False, after=after):
            facts = run.tenant.facts(identifier)
            if facts.get("Department") == department:
                yield identifier, render(RECIPIENT, facts, run.select)

    return limited(run, Result(scan=scan))


HANDLERS: dict[str, Handler] = {
    "Get-DynamicDistributionGroup": get_group,
    "Get-DynamicDistributionGroupMember": get_members,
}

"""Get-AcceptedDomain and Get-OrganizationConfig."""

from __future__ import annotations

from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.tenant import Handler, Result, Run
from bulkexo.sandbox.views import render


def get_accepted_domain(run: Run) -> Result:
    """The domains of the tenant: its own (default), the initial one, the one for routing; with subdomains."""
    tenant = run.tenant
    rows: list[dict[str, Any]] = []
    for domain in tenant.domains:
        row = {
            "DomainName": domain, "Name": domain, "Identity": domain, "Id": domain,
            "DomainType": "Authoritative",
            "Default": domain == tenant.people.main_domain, "InitialDomain": domain == tenant.domain,
            "MatchSubDomains": True, "AddressBookEnabled": True, "EmailOnly": False, "IsValid": True,
            "ObjectState": "Unchanged",
        }  # fmt: skip
        rows.append(row)
    identity = run.bound.get("Identity")
    if identity is not None:
        rows = [row for row in rows if row["Name"] == identity.strip().lower()]
        if not rows:
            raise errors.not_found(identity)
    return limited(run, in_memory([render(row, {}, run.select) for row in rows]))


def get_organization_config(run: Run) -> Result:
    """The organization: one object."""
    tenant = run.tenant
    row = {
        "Name": tenant.domain, "Identity": tenant.domain,
        "DisplayName": tenant.people.main_domain.partition(".")[0].title(),
        "IsDehydrated": False, "AutoExpandingArchiveEnabled": False, "OAuth2ClientProfileEnabled": True,
        "AuditDisabled": False, "MailTipsAllTipsEnabled": True, "MailTipsLargeAudienceThreshold": 25,
        "SendFromAliasEnabled": False, "FocusedInboxOn": None, "EwsEnabled": None, "EwsAllowList": [],
        "DefaultPublicFolderAgeLimit": None, "DefaultGroupAccessType": "Private",
        "HierarchicalAddressBookRoot": None,
        "ActivityBasedAuthenticationTimeoutInterval": "06:00:00", "IsValid": True, "ObjectState": "Unchanged",
    }  # fmt: skip
    return Result([render(row, {}, run.select)])


HANDLERS: dict[str, Handler] = {
    "Get-AcceptedDomain": get_accepted_domain,
    "Get-OrganizationConfig": get_organization_config,
}

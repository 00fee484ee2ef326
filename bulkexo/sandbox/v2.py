"""The documented API, `adminapi/v2.0`: six endpoints, each with its own few cmdlets and parameters.

Source: `protocol.md`, "Endpoints", and Microsoft's pages "… endpoint in the Exchange Online Admin API"
(preview): POST only, the body of InvokeCommand, at most 1,000 objects unless `ResultSize` says,
`@odata.nextLink` to be POSTed to with the same body, `$select`. Doubtful are the refusals, and whether the
common parameters `Confirm` and `WhatIf` are taken: here they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bulkexo.sandbox import reply
from bulkexo.sandbox.engine import LARGEST_PAGE, Call
from bulkexo.sandbox.errors import unknown_parameter
from bulkexo.sandbox.reply import Reply, problem
from bulkexo.sandbox.request import Envelope, Target, call_of, target_of

_COMMON: Final = frozenset({"confirm", "whatif", "erroraction", "warningaction"})
_CHANGES: Final = "Identity User AccessRights SharingPermissionFlags SendNotificationToUser"
ENDPOINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "OrganizationConfig": {"Get-OrganizationConfig": ""},
    "AcceptedDomain": {"Get-AcceptedDomain": "Identity ResultSize"},
    "Mailbox": {
        "Get-Mailbox": "Identity ResultSize IncludeGrantSendOnBehalfToWithDisplayNames",
        "Set-Mailbox": "Identity GrantSendOnBehalfTo",
    },
    "MailboxFolderPermission": {
        "Get-MailboxFolderPermission": "Identity User ResultSize",
        "Add-MailboxFolderPermission": _CHANGES,
        "Set-MailboxFolderPermission": _CHANGES,
        "Remove-MailboxFolderPermission": "Identity User SendNotificationToUser",
    },
    "DistributionGroupMember": {"Get-DistributionGroupMember": "Identity ResultSize"},
    "DynamicDistributionGroupMember": {"Get-DynamicDistributionGroupMember": "Identity ResultSize"},
}
"""Endpoint to cmdlet to its parameters."""
_BY_NAME: Final = {name.lower(): name for name in ENDPOINTS}


def known(endpoint: str) -> bool:
    """Whether there is such an endpoint; case is ignored."""
    return endpoint.lower() in _BY_NAME


def parse_v2(
    tenant: str, endpoint: str, query: str, envelope: Envelope, headers: Mapping[str, str], body: Any
) -> Call | Reply:
    """The cmdlet that a body asks an endpoint for, or the refusal. headers: with lower-case names."""
    target: Target = target_of(tenant, query)
    name = _BY_NAME[endpoint.lower()]
    call = call_of("", f"{envelope.origin}/adminapi/v2.0/{tenant}/{name}", target, envelope, headers, body)
    if isinstance(call, Reply):
        return call
    allowed = {cmdlet.lower(): names for cmdlet, names in ENDPOINTS[name].items()}.get(call.cmdlet.lower())
    if allowed is None:
        text = f"The cmdlet '{call.cmdlet}' isn't supported by the endpoint {name}."
        return problem(400, "BadRequest", text)
    names = {parameter.lower() for parameter in allowed.split()} | _COMMON
    for parameter in call.parameters:
        if "@" not in parameter and parameter.lower() not in names:
            return reply.failure(unknown_parameter(parameter))
    sized = "odata.maxpagesize" in headers.get("prefer", "").lower()
    return replace(call, clixml=False, page_size=call.page_size if sized else LARGEST_PAGE)

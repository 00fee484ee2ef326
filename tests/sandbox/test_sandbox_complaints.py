"""Every complaint has its status, its type and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.helpers import Bench, error_of

ME = "mailbox3@contoso.onmicrosoft.com"
YOU = "mailbox4@contoso.onmicrosoft.com"
GROUP = "group1@contoso.onmicrosoft.com"
HASH = "#Exchange.GenericHashTable"


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "status", "kind", "text"),
    [
        (
            "Set-Mailbox",
            {"Identity": "no@x.y"},
            404,
            "ManagementObjectNotFoundException",
            "object 'no@x.y' couldn't be",
        ),
        ("Set-Mailbox", {}, 400, "ParameterBindingException", "missing mandatory parameters: Identity."),
        ("Set-Mailbox", {"Identity": ""}, 400, "ParameterTransformationException", "empty string"),
        (
            "Set-Mailbox",
            {"Identity": ME, "Colour": 1},
            400,
            "ParameterBindingException",
            "A parameter cannot be found that matches parameter name 'Colour'.",
        ),
        ("Set-Mailbox", {"Identity": ME, "identity": ME}, 400, "ParameterBindingException", "more than once"),
        (
            "Set-Mailbox",
            {"Identity": ME, "AuditEnabled": "true"},
            400,
            "ParameterTransformationException",
            "System.Boolean",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "AuditEnabled": 1},
            400,
            "ParameterTransformationException",
            "Boolean",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "AuditEnabled": None},
            400,
            "ParameterTransformationException",
            "null",
        ),
        ("Set-Mailbox", {"Identity": ME, "Force": "yes"}, 400, "ParameterTransformationException", "Boolean"),
        (
            "Set-Mailbox",
            {"Identity": ME, "ResourceCapacity": "ten"},
            400,
            "ParameterTransformationException",
            "Int32",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "CustomAttribute1": ["a"]},
            400,
            "ParameterTransformationException",
            "String",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "CustomAttribute1": {"@odata.type": HASH, "Add": "a"}},
            400,
            "ParameterTransformationException",
            "String",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": {"Add": "a@contoso.com"}},
            400,
            "ParameterTransformationException",
            "GenericHashTable",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": {"Add": "a@contoso.com", "@odata.type": HASH}},
            400,
            "ParameterTransformationException",
            "GenericHashTable",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": {"@odata.type": HASH, "Put": "a"}},
            400,
            "ParameterTransformationException",
            "Add and Remove",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": {"@odata.type": HASH, "Add": "no address"}},
            400,
            "ValidationException",
            "isn't a valid SMTP address",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": {"@odata.type": HASH, "Add": "smtp:a@example.org"}},
            400,
            "NotAcceptedDomainException",
            "example.org",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": {"@odata.type": HASH, "Add": "smtp:" + YOU}},
            400,
            "ProxyAddressExistsException",
            "is already being used by the proxy addresses or LegacyExchangeDN",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": ["SMTP:a@contoso.com", "SMTP:b@contoso.com"]},
            400,
            "ValidationException",
            "multiple primary",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "EmailAddresses": []},
            400,
            "ValidationException",
            "no primary SMTP",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "MicrosoftOnlineServicesID": "karin.okafor4@contoso.com"},
            400,
            "WLCDManagedMemberExistsException",
            "already being used",
        ),
        ("Set-Mailbox", {"Identity": ME, "Alias": "with space"}, 400, "ValidationException", "Alias"),
        (
            "Set-Mailbox",
            {"Identity": ME, "Type": "Elephant"},
            400,
            "ParameterTransformationException",
            "Regular, Room",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "ProhibitSendQuota": "much"},
            400,
            "ParameterTransformationException",
            "much",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "RetainDeletedItemsFor": "long"},
            400,
            "ParameterTransformationException",
            "long",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "LitigationHoldDate": "soon"},
            400,
            "ParameterTransformationException",
            "soon",
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "GrantSendOnBehalfTo": [YOU, "kokafor4"]},
            400,
            "DuplicatedRecipientException",
            '"GrantSendOnBehalfTo" contains the following duplicated recipient identity: "kokafor4".',
        ),
        (
            "Set-Mailbox",
            {"Identity": ME, "Password": "secret"},
            400,
            "ParameterTransformationException",
            "encrypted",
        ),
        ("Get-Mailbox", {"ResultSize": "all"}, 400, "ParameterTransformationException", "all"),
        (
            "Get-Mailbox",
            {"Filter": "Colour -eq 'red'"},
            400,
            "ParameterTransformationException",
            "filterable",
        ),
        (
            "Get-Mailbox",
            {"RecipientTypeDetails": {"@odata.type": HASH, "Add": "x"}},
            400,
            "ParameterTransformationException",
            "array",
        ),
        ("Get-MailboxStatistics", {}, 400, "ParameterBindingException", "Identity"),
        ("New-Mailbox", {"Name": "n"}, 400, "ParameterBindingException", "MicrosoftOnlineServicesID"),
        (
            "New-Mailbox",
            {"Name": "n", "Shared": True, "Room": True},
            400,
            "ParameterBindingException",
            "Parameter set",
        ),
        (
            "Remove-Mailbox",
            {"Identity": ME, "PermanentlyDelete": True},
            400,
            "RecipientTaskException",
            "not in a soft deleted state",
        ),
        ("Add-MailboxPermission", {"Identity": ME}, 400, "ParameterBindingException", "AccessRights User"),
        (
            "Add-MailboxPermission",
            {"Identity": ME, "User": YOU, "AccessRights": "All"},
            400,
            "ParameterTransformationException",
            "FullAccess",
        ),
        (
            "Add-MailboxPermission",
            {"Identity": ME, "User": "no@x.y", "AccessRights": "FullAccess"},
            404,
            "ManagementObjectNotFoundException",
            "no@x.y",
        ),
        ("Remove-MailboxPermission", {"Identity": ME}, 400, "ParameterBindingException", "AccessRights User"),
        ("Add-DistributionGroupMember", {"Identity": GROUP}, 400, "ParameterBindingException", "Member"),
        ("Set-DistributionGroup", {"Identity": ME}, 404, "ManagementObjectNotFoundException", ME),
        (
            "Get-AcceptedDomain",
            {"Identity": "example.org"},
            404,
            "ManagementObjectNotFoundException",
            "example.org",
        ),
        ("Get-OrganizationConfig", {"Identity": "x"}, 400, "ParameterBindingException", "Identity"),
    ],
)
def test_complaints(
    bench: Bench, cmdlet: str, parameters: dict[str, Any], status: int, kind: str, text: str
) -> None:
    reply = bench(cmdlet, **parameters)
    found = error_of(reply)
    assert found[:2] == (status, kind)
    assert text in found[2]
    assert reply.headers["x-ExceptionType"].endswith(kind)

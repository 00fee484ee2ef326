"""What a cmdlet complains of: one exception with the service's own type names and sentences.

Source: `protocol.md`, "Errors: how to read them, and the ones met in the wild". The last dotted part of a
type is what that table gives; the namespaces before it are guesses.
"""

from __future__ import annotations

from binascii import crc32
from dataclasses import dataclass

DOMAIN_CONTROLLER = "AM4PR07A03DC001.EURPR07A003.PROD.OUTLOOK.COM"
"""The directory server that "couldn't be found on" sentences name."""

_TASKS = "Microsoft.Exchange.Configuration.Tasks."
_MANAGEMENT = "Microsoft.Exchange.Management.Tasks."
_BINDING = "System.Management.Automation."
_KNOWN_IDS = {
    "ManagementObjectNotFoundException": "Ex6F9304",
    "WLCDManagedMemberExistsException": "ExB10BE9",
}


@dataclass(eq=False)
class CmdletError(Exception):
    """A cmdlet that ended with an error.

    type: the full .NET name. text: the sentence for a person. status: of HTTP.
    code: `error.code`. target: `details[0].target`, often empty. in_details: False for the passing
    errors that name their type in the header `x-ExceptionType` only.
    """

    type: str
    text: str
    status: int = 400
    code: str = "BadRequest"
    target: str = ""
    in_details: bool = True

    @property
    def id(self) -> str:
        """`ExHHHHHH`: the service's short id of an error, the same for the same type."""
        last = self.type.rpartition(".")[2]
        return _KNOWN_IDS.get(last) or f"Ex{crc32(last.encode()) & 0xFFFFFF:06X}"


def not_found(identity: str) -> CmdletError:
    """No such object (404)."""
    return CmdletError(
        _TASKS + "ManagementObjectNotFoundException",
        f"The operation couldn't be performed because object '{identity}' couldn't be found on "
        f"'{DOMAIN_CONTROLLER}'.",
        status=404,
        code="NotFound",
    )


def ambiguous(identity: str) -> CmdletError:
    """A display name that several objects have."""
    return CmdletError(
        _TASKS + "ManagementObjectAmbiguousException",
        f"The operation couldn't be performed because '{identity}' matches multiple entries.",
    )


def unknown_parameter(name: str) -> CmdletError:
    """No such parameter, or not for this role."""
    return CmdletError(
        _BINDING + "ParameterBindingException",
        f"A parameter cannot be found that matches parameter name '{name}'.",
        target=name,
    )


def missing_parameters(names: str) -> CmdletError:
    """Mandatory parameters that are not there; `names` joined by spaces, as PowerShell does."""
    return CmdletError(
        _BINDING + "ParameterBindingException",
        f"Cannot process command because of one or more missing mandatory parameters: {names}.",
    )


def parameter_sets() -> CmdletError:
    """Parameters that do not go together."""
    return CmdletError(
        _BINDING + "ParameterBindingException",
        "Parameter set cannot be resolved using the specified named parameters.",
    )


def transformation(name: str, why: str) -> CmdletError:
    """A value that is not of the parameter's type."""
    return CmdletError(
        _BINDING + "ParameterTransformationException",
        f"Cannot process argument transformation on parameter '{name}'. {why}",
        target=name,
    )


def invalid_value(text: str) -> CmdletError:
    """A value of the right type that the directory refuses."""
    return CmdletError("Microsoft.Exchange.Data.ValidationException", text)


def proxy_exists(address: str, owner: str, *, sign_in: bool = False) -> CmdletError:
    """An address that another object has. `sign_in`: it was to be a sign-in name, too."""
    name = "WLCDManagedMemberExistsException" if sign_in else "ProxyAddressExistsException"
    return CmdletError(
        (_MANAGEMENT if sign_in else "Microsoft.Exchange.Data.Directory.") + name,
        f'The proxy address "{address}" is already being used by the proxy addresses or LegacyExchangeDN. '
        f'Please choose another proxy address. It belongs to "{owner}".',
    )


def object_exists(name: str) -> CmdletError:
    """A `Name` that another object has."""
    return CmdletError(
        "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
        f'The name "{name}" is already being used. Please try another name.',
    )


def already_member(member: str, group: str) -> CmdletError:
    """Add-DistributionGroupMember was done already."""
    return CmdletError(
        _MANAGEMENT + "MemberAlreadyExistsException",
        f'The recipient "{member}" is already a member of the group "{group}".',
    )


def not_a_member(member: str, group: str) -> CmdletError:
    """Remove-DistributionGroupMember was done already."""
    return CmdletError(
        _MANAGEMENT + "MemberNotFoundException",
        f'The recipient "{member}" isn\'t a member of the group "{group}".',
    )


def duplicated_recipient(parameter: str, identity: str) -> CmdletError:
    """One recipient twice in a list."""
    return CmdletError(
        "Microsoft.Exchange.Data.Directory.Recipient.DuplicatedRecipientException",
        f'The parameter "{parameter}" contains the following duplicated recipient identity: "{identity}".',
    )


def not_soft_deleted() -> CmdletError:
    """Remove-Mailbox -PermanentlyDelete of a mailbox that is in use."""
    return CmdletError(
        "Microsoft.Exchange.Management.RecipientTasks.RecipientTaskException",
        "The mail enabled user you are trying to permanently delete is not in a soft deleted state. "
        "Remove the mailbox first.",
    )


def archive_there(name: str) -> CmdletError:
    """Enable-Mailbox -Archive of a mailbox that has one."""
    return CmdletError(
        "Microsoft.Exchange.Management.RecipientTasks.RecipientTaskException",
        f'The mailbox "{name}" already has an archive.',
    )


def mastered_elsewhere(name: str, cmdlet: str, properties: str) -> CmdletError:
    """A change of an object that is synchronised. properties: joined by commas, may be empty."""
    return CmdletError(
        "System.InvalidOperationException",
        f"The operation on mailbox \"{name}\" failed because it's out of the current user's write scope. The "
        f"action '{cmdlet}', '{properties}', can't be performed on the object '{name}' because the object is "
        "being synchronized from your on-premises organization. This action should be performed on the "
        "object in your on-premises organization.",
    )


def foreign_domain(domain: str) -> CmdletError:
    """An address in a domain that is not the tenant's."""
    return CmdletError(
        "Microsoft.Exchange.Management.Tasks.NotAcceptedDomainException",
        f"You can't use the domain because it's not an accepted domain for your organization. "
        f"Domain name: {domain}.",
    )

"""Make the sandbox's own data from Microsoft's reference: `build_sandbox_data.py CATALOGUE PROPERTY_SETS`.

CATALOGUE is the NDJSON that `build_catalogue.py` reads; PROPERTY_SETS is JSON, `{cmdlet: {set: [property,
…]}}`. Written are, in `bulkexo/sandbox/`, `parameters.json` (the cmdlets named below: required parameters,
then types with the names of their parameters) and `propertysets.json`. The same sources give the same
bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "bulkexo" / "sandbox"
CMDLETS = frozenset(
    """
    Add-DistributionGroupMember Add-MailboxFolderPermission Add-MailboxPermission Add-RecipientPermission
    Disable-InboxRule Enable-InboxRule Enable-Mailbox Get-AcceptedDomain Get-CASMailbox
    Get-CaseHoldPolicy Get-CaseHoldRule Get-ComplianceCase Get-ComplianceSearch Get-DistributionGroup
    Get-DistributionGroupMember Get-DlpKeywordDictionary Get-DynamicDistributionGroup
    Get-DynamicDistributionGroupMember Get-InboxRule Get-MailContact Get-Mailbox
    Get-MailboxAutoReplyConfiguration Get-MailboxFolderPermission Get-MailboxFolderStatistics
    Get-MailboxPermission Get-MailboxRegionalConfiguration Get-MailboxStatistics
    Get-MobileDeviceStatistics Get-OrganizationConfig Get-Recipient Get-RecipientPermission
    Get-RetentionCompliancePolicy Get-RetentionComplianceRule Get-User New-CaseHoldPolicy
    New-CaseHoldRule New-ComplianceCase New-ComplianceSearch New-DistributionGroup
    New-DlpKeywordDictionary New-InboxRule New-MailContact New-Mailbox New-RetentionCompliancePolicy
    New-RetentionComplianceRule Remove-CaseHoldPolicy Remove-CaseHoldRule Remove-ComplianceCase
    Remove-ComplianceSearch Remove-DistributionGroup Remove-DistributionGroupMember
    Remove-DlpKeywordDictionary Remove-InboxRule Remove-MailContact Remove-Mailbox
    Remove-MailboxFolderPermission Remove-MailboxPermission Remove-RecipientPermission
    Remove-RetentionCompliancePolicy Remove-RetentionComplianceRule Set-CASMailbox Set-CaseHoldPolicy
    Set-CaseHoldRule Set-ComplianceCase Set-ComplianceSearch Set-DistributionGroup Set-MailContact
    Set-Mailbox Set-MailboxAutoReplyConfiguration Set-MailboxFolderPermission
    Set-MailboxRegionalConfiguration Set-RetentionCompliancePolicy Set-RetentionComplianceRule Set-User
    Start-ComplianceSearch
    """.split()  # noqa: SIM905
)


def parameters(catalogue: bytes) -> bytes:
    """`parameters.json`, of the catalogue's bytes."""
    lines = {}
    for text in catalogue.decode("utf-8").splitlines():
        cmdlet = json.loads(text)
        if cmdlet["cmdlet"] in CMDLETS:
            lines[cmdlet["cmdlet"]] = _line(cmdlet["parameters"])
    missing = CMDLETS - set(lines)
    if missing:
        sys.exit(f"not in the catalogue: {', '.join(sorted(missing))}")
    return _object(lines)


def _line(given: list[dict[str, Any]]) -> dict[str, Any]:
    every_set = {name for parameter in given for name in parameter.get("sets", ())}
    required = [
        parameter["name"]
        for parameter in given
        if parameter.get("required") and set(parameter.get("sets", every_set)) >= every_set
    ]
    types: dict[str, list[str]] = {}
    for parameter in given:
        types.setdefault(parameter["type"], []).append(parameter["name"])
    return {"required": required, **{kind: " ".join(types[kind]) for kind in sorted(types)}}


def property_sets(source: bytes) -> bytes:
    """`propertysets.json`, of the property sets' bytes: names joined by spaces."""
    sets = json.loads(source)
    return _object({cmdlet: {name: " ".join(sets[cmdlet][name]) for name in sets[cmdlet]} for cmdlet in sets})


def _object(lines: dict[str, dict[str, Any]]) -> bytes:
    """A JSON object with a line for each member, sorted."""
    rows = [f'  "{name}": {json.dumps(lines[name], separators=(",", ":"))}' for name in sorted(lines)]
    return ("{\n" + ",\n".join(rows) + "\n}\n").encode("utf-8")


def main(arguments: list[str]) -> None:
    """Write both files."""
    if len(arguments) != 2:
        sys.exit("usage: build_sandbox_data.py CATALOGUE PROPERTY_SETS")
    catalogue, sets = (Path(argument).read_bytes() for argument in arguments)
    (TARGET / "parameters.json").write_bytes(parameters(catalogue))
    (TARGET / "propertysets.json").write_bytes(property_sets(sets))


if __name__ == "__main__":
    main(sys.argv[1:])

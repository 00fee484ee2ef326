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
    Add-DistributionGroupMember Add-MailboxPermission Add-RecipientPermission Get-AcceptedDomain
    Get-CASMailbox Get-DistributionGroup Get-DistributionGroupMember Get-Mailbox
    Get-MailboxPermission Get-MailboxStatistics Get-OrganizationConfig Get-Recipient
    Get-RecipientPermission Get-User New-DistributionGroup New-Mailbox Remove-DistributionGroup
    Remove-DistributionGroupMember Remove-Mailbox Remove-MailboxPermission
    Remove-RecipientPermission Set-CASMailbox Set-DistributionGroup Set-Mailbox Set-User
    Get-RetentionCompliancePolicy New-RetentionCompliancePolicy Set-RetentionCompliancePolicy
    Remove-RetentionCompliancePolicy Get-RetentionComplianceRule New-RetentionComplianceRule
    Set-RetentionComplianceRule Remove-RetentionComplianceRule Get-ComplianceCase New-ComplianceCase
    Set-ComplianceCase Remove-ComplianceCase Get-CaseHoldPolicy New-CaseHoldPolicy
    Set-CaseHoldPolicy Remove-CaseHoldPolicy Get-CaseHoldRule New-CaseHoldRule Set-CaseHoldRule
    Remove-CaseHoldRule Get-ComplianceSearch New-ComplianceSearch Set-ComplianceSearch
    Start-ComplianceSearch Remove-ComplianceSearch New-DlpKeywordDictionary Get-DlpKeywordDictionary
    Remove-DlpKeywordDictionary             """.split()  # noqa: SIM905  (a list to be read)
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

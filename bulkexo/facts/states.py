"""What a Get- cmdlet shows once an Enable- or Disable- cmdlet took effect [guess, from the reference]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bulkexo.model import Value

_ENABLED: Final = ("App", "InboxRule", "SweepRule", "OutlookProtectionRule")
"""Nouns whose Get- shows `Enabled`, a boolean."""

_STATE: Final = (
    "AntiPhishRule", "ATPProtectionPolicyRule", "EOPProtectionPolicyRule", "HostedContentFilterRule",
    "HostedOutboundSpamFilterRule", "JournalRule", "MalwareFilterRule", "ReportSubmissionRule",
    "SafeAttachmentRule", "SafeLinksRule", "TransportRule",
)  # fmt: skip
"""Nouns whose Get- shows `State`, as `Enabled` or `Disabled`."""

STATES: Final[Mapping[str, Mapping[str, Value]]] = {
    **{
        f"{verb}-{noun}".lower(): {"Enabled": verb == "Enable"}
        for noun in _ENABLED
        for verb in ("Enable", "Disable")
    },
    **{f"{verb}-{noun}".lower(): {"State": f"{verb}d"} for noun in _STATE for verb in ("Enable", "Disable")},
}
"""By name in lower case: property to value."""

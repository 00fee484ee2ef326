"""Security & Compliance: retention policies, cases and their holds, searches, dictionaries, and their rules.

A few cmdlets of many, with state, for jobs to be tried on. All of them follow one plan: an object is known
by its name or GUID; New- takes `Name`, `AddX` and `RemoveX` change a list X; where an object belongs to
another (a rule to its policy, a hold to its case), that one has to be there. What each object shows is a
guess at the service's.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.people import Facts
from bulkexo.sandbox.tenant import Handler, Result, Run, unchanged_warning
from bulkexo.sandbox.values import Edit
from bulkexo.sandbox.views import render

_MAILBOX_LISTS = frozenset({"ExchangeLocation", "ExchangeLocationException", "ExchangeLocationExclusion"})
_NOT_KEPT = frozenset({"Identity", "Confirm", "WhatIf", "Force", "ForceDeletion", "RetryDistribution",
                       "Close", "Reopen", "DomainController", "Organization", "DoNotPersistKeywords",
                       "SkipPriorityCleanupConfirmation", "ResultSize"})  # fmt: skip
_COMMON: Mapping[str, Any] = {
    "Name": "", "Guid": "", "Identity": "", "Comment": "", "WhenCreatedUTC": "", "WhenChangedUTC": "",
    "CreatedBy": "bulkexo", "LastModifiedBy": "bulkexo", "IsValid": True, "ObjectState": "Unchanged",
}  # fmt: skip
_LOCATIONS: Mapping[str, Any] = {
    f"{where}Location{exception}": [] for where in ("Exchange", "SharePoint", "OneDrive", "ModernGroup")
    for exception in ("", "Exception")
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """One noun. shown: its properties beside those of all. parent: the parameter and the noun it belongs
    to."""

    noun: str
    shown: Mapping[str, Any]
    parent: tuple[str, str] | None = None
    children: tuple[str, ...] = ()

    @property
    def template(self) -> dict[str, Any]:
        """All properties with their defaults."""
        return {**_COMMON, **self.shown}


@dataclass(slots=True)
class Shelf:
    """The objects of one noun, by name without case, in the order in which they came."""

    objects: dict[str, Facts] = field(default_factory=dict)

    def find(self, identity: str) -> Facts:
        """The object of this name or GUID. Raises CmdletError."""
        key = identity.strip().casefold()
        found = self.objects.get(key)
        found = found or next((each for each in self.objects.values() if each["Guid"] == key), None)
        if found is None:
            raise errors.not_found(identity)
        return found


KINDS = {
    kind.noun: kind
    for kind in (
        Kind("RetentionCompliancePolicy",
             {**_LOCATIONS, "Enabled": True, "Mode": "Enforce", "Type": "Hold",
              "Workload": "Exchange, SharePoint", "DistributionStatus": "Success",
              "RestrictiveRetention": False, "PolicyTemplateInfo": None},
             children=("RetentionComplianceRule",)),
        Kind("RetentionComplianceRule",
             {"Policy": "", "Disabled": False, "Mode": "Enforce", "RetentionDuration": "Unlimited",
              "RetentionComplianceAction": "Keep", "RetentionDurationDisplayHint": "Days",
              "ContentMatchQuery": "", "ContentContainsSensitiveInformation": [],
              "ExpirationDateOption": "CreationAgeInDays",
              "ExcludedItemClasses": [], "ContentDateFrom": None, "ContentDateTo": None},
             parent=("Policy", "RetentionCompliancePolicy")),
        Kind("ComplianceCase",
             {"Status": "Active", "CaseType": "eDiscovery", "Description": "", "ExternalId": "",
              "ClosedBy": "", "ClosedDateTime": None},
             children=("CaseHoldPolicy", "ComplianceSearch")),
        Kind("CaseHoldPolicy",
             {"Case": "", "CaseId": "", "Enabled": True, "Mode": "Enforce", "Type": "CaseHold",
              "ExchangeLocation": [], "SharePointLocation": [], "PublicFolderLocation": [],
              "DistributionStatus": "Success"},
             parent=("Case", "ComplianceCase"), children=("CaseHoldRule",)),
        Kind("CaseHoldRule", {"Policy": "", "Disabled": False, "ContentMatchQuery": ""},
             parent=("Policy", "CaseHoldPolicy")),
        Kind("ComplianceSearch",
             {"Case": "", "Status": "NotStarted", "Items": 0, "Size": 0, "ContentMatchQuery": "",
              "Description": "", "ExchangeLocation": [], "ExchangeLocationExclusion": [],
              "SharePointLocation": [], "SharePointLocationExclusion": [], "PublicFolderLocation": [],
              "Language": "", "JobEndTime": None,
              "AllowNotFoundExchangeLocationsEnabled": False, "NumBindings": 0},
             parent=("Case", "ComplianceCase")),
        Kind("DlpKeywordDictionary", {"KeywordDictionary": "", "Description": "", "MatchStyle": "Word"}),
    )
}  # fmt: skip


def _shelf(run: Run, noun: str) -> Shelf:
    shelf: Shelf = run.tenant.shelves.setdefault(noun, Shelf())
    return shelf


def _get(kind: Kind, run: Run) -> Result:
    """All, the one that is named, or those of one parent."""
    identity = run.bound.get("Identity") or (
        run.bound.get("Name") if run.signature.cmdlet.startswith("Get-") else None
    )
    shelf = _shelf(run, kind.noun)
    found = [shelf.find(identity)] if identity else list(shelf.objects.values())
    if kind.parent is not None and run.bound.get(kind.parent[0]):
        wanted = _shelf(run, kind.parent[1]).find(run.bound[kind.parent[0]])["Name"]
        found = [each for each in found if each[kind.parent[0]] == wanted]
    return limited(run, in_memory([render(kind.template, facts, run.select) for facts in found]))


def _new(kind: Kind, run: Run) -> Result:
    shelf = _shelf(run, kind.noun)
    name = run.bound.get("Name") or f"{kind.noun}-{len(shelf.objects) + 1}"
    if name.strip().casefold() in shelf.objects:
        raise errors.object_exists(name)
    guid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run.tenant.domain}/{kind.noun}/{name}/{run.stamp}"))
    facts: Facts = {"Name": name, "Guid": guid, "Identity": guid, "WhenCreatedUTC": run.stamp,
                    "WhenChangedUTC": run.stamp}  # fmt: skip
    facts.update(_changes(kind, run, {**kind.template, **facts}))
    shelf.objects[name.strip().casefold()] = facts
    return Result([render(kind.template, facts, run.select)], changed=True)


def _set(kind: Kind, run: Run) -> Result:
    facts = _shelf(run, kind.noun).find(run.bound["Identity"])
    changes = _changes(kind, run, {**kind.template, **facts})
    for switch, status in (("Close", "Closed"), ("Reopen", "Active")):
        if run.switch(switch):
            changes["Status"] = status
    changes = {
        name: value for name, value in changes.items() if facts.get(name, kind.template.get(name)) != value
    }
    if not changes:
        if run.switch("RetryDistribution"):
            return Result(changed=True)
        return Result(warnings=[unchanged_warning(facts["Name"])], changed=False)
    _rename(run, kind, facts, changes.get("Name"))
    facts.update(changes, WhenChangedUTC=run.stamp)
    return Result(changed=True)


def _rename(run: Run, kind: Kind, facts: Facts, name: str | None) -> None:
    shelf = _shelf(run, kind.noun)
    if name is None:
        return
    if name.strip().casefold() in shelf.objects:
        raise errors.object_exists(name)
    del shelf.objects[facts["Name"].strip().casefold()]
    shelf.objects[name.strip().casefold()] = facts


def _remove(kind: Kind, run: Run) -> Result:
    """The object, and all that belongs to it."""
    shelf = _shelf(run, kind.noun)
    facts = shelf.find(run.bound["Identity"])
    del shelf.objects[facts["Name"].strip().casefold()]
    for noun in kind.children:
        parent = KINDS[noun].parent
        below = _shelf(run, noun)
        below.objects = {
            key: each for key, each in below.objects.items()
            if parent is None or each.get(parent[0]) != facts["Name"]
        }  # fmt: skip
    return Result(changed=True)


def _start(kind: Kind, run: Run) -> Result:
    """A search is over as soon as it begins; what it finds depends on how many mailboxes it looks at."""
    facts = _shelf(run, kind.noun).find(run.bound["Identity"])
    places = facts.get("ExchangeLocation", [])
    count = run.tenant.people.mailboxes if "All" in places else len(places)
    facts.update(
        Status="Completed", Items=count * 7, Size=count * 700_000, JobEndTime=run.stamp, NumBindings=count
    )
    return Result(changed=True)


def _changes(kind: Kind, run: Run, facts: Facts) -> Facts:
    """What the parameters make of the properties. Raises CmdletError."""
    new: Facts = {}
    for name, value in run.bound.items():
        if name in _NOT_KEPT:
            continue
        if kind.parent is not None and name == kind.parent[0]:
            parent = _shelf(run, kind.parent[1]).find(value)
            new[name] = parent["Name"]
            if "CaseId" in kind.shown:
                new["CaseId"] = parent["Guid"]
        elif name == "FileData":
            new["KeywordDictionary"] = (value or b"").decode("utf-16-le", "replace")
        elif isinstance(value, Edit):
            target, edit = _edit(run, name, value)
            new[target] = edit.applied(new.get(target) or facts.get(target) or [])
        else:
            new[name] = value
    return new


def _edit(run: Run, name: str, value: Edit) -> tuple[str, Edit]:
    """The list that a parameter is about, and what happens to it: `AddX` and `RemoveX` are about X."""
    target, values = name, value.replace or ()
    if name.startswith("Add"):
        target = name.removeprefix("Add")
        value = Edit(add=_places(run, target, values))
    elif name.startswith("Remove"):
        target = name.removeprefix("Remove")
        value = Edit(remove=_places(run, target, values))
    elif value.replace is not None:
        value = Edit(replace=_places(run, target, values))
    return target, value


def _places(run: Run, target: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Mailboxes are there, or the whole cmdlet fails; they are shown by their addresses."""
    if target not in _MAILBOX_LISTS:
        return values
    lenient = bool(run.bound.get("AllowNotFoundExchangeLocationsEnabled"))
    shown = []
    for value in values:
        found = run.tenant.directory.lookup(value)
        if value.strip().lower() == "all":
            shown.append("All")
        elif not found and not lenient:
            raise errors.not_found(value)
        else:
            shown.append(run.tenant.facts(found[0])["PrimarySmtpAddress"] if found else value)
    return tuple(shown)


def _handler(verb: str, kind: Kind) -> Handler:
    action = {"Get": _get, "New": _new, "Set": _set, "Remove": _remove, "Start": _start}[verb]
    return lambda run: action(kind, run)


_VERBS = {"ComplianceSearch": ("Get", "New", "Set", "Remove", "Start"),
          "DlpKeywordDictionary": ("Get", "New", "Remove")}  # fmt: skip
HANDLERS: dict[str, Handler] = {
    f"{verb}-{noun}": _handler(verb, kind)
    for noun, kind in KINDS.items()
    for verb in _VERBS.get(noun, ("Get", "New", "Set", "Remove"))
}

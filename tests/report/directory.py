"""The sandbox in process: items run on it as a run would have them, and what the tenant then holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from bulkexo.former import Formers
from bulkexo.job import load
from bulkexo.journal import RunFolder
from bulkexo.journal.lines import former, line
from bulkexo.model import Item, Outcome
from bulkexo.sandbox import SandboxOptions
from bulkexo.sandbox.engine import Call, Engine
from bulkexo.schedule import Found
from bulkexo.schedule.lanes import Ticket
from bulkexo.schedule.outcomes import outcome
from bulkexo.schedule.settle import absent
from bulkexo.wire import Verdict, judge
from bulkexo.wire.batch import Answer
from bulkexo.wire.cmdlets import cmdlet_input
from bulkexo.wire.doors import call

REQUEST = "00000000-0000-4000-8000-000000000001"
STAMP = "2026-11-24T09:30:00.000000Z"
CHANGES_BY_ITSELF = frozenset({"WhenChanged", "WhenChangedUTC"})
LISTS = ("Get-Mailbox", "Get-CASMailbox", "Get-User", "Get-DistributionGroup")

Directory = dict[tuple[str, str], dict[str, Any]]


class Tenant:
    """A small tenant. run: items one after another, with what a run would leave of them in a folder."""

    def __init__(self, seed: int, mailboxes: int) -> None:
        self.mailboxes = mailboxes
        self.engine = Engine(SandboxOptions(seed=seed, mailboxes=mailboxes))

    def hear(self, item: Item) -> Verdict:
        """What the service says to an item."""
        sent = call(item, REQUEST)
        body = cmdlet_input(sent.cmdlet, sent.parameters, sent.forms)["CmdletInput"]
        parameters = orjson.loads(orjson.dumps(body["Parameters"]))
        asked = Call(
            "1", sent.cmdlet, parameters, "https://x/adminapi/beta/t/InvokeCommand", page_size=1000,
            select=sent.select or None,
        )  # fmt: skip
        said = self.engine.run(asked, now=0.0, stamp=STAMP)
        headers = {name.lower(): text for name, text in said.headers.items()}
        return judge(Answer(said.status, headers, orjson.loads(said.encoded())), sent.cmdlet)

    def run(self, items: Iterable[Item], folder: RunFolder | None = None) -> list[Outcome]:
        """Run the items in order; with a folder, as a run with --keep-before that writes there."""
        kept: list[bytes] = []

        def keep(item: Item, twin: str, before: Any, *, whole: bool) -> None:
            kept.append(former(item, twin, before, whole=whole))

        formers, outcomes = Formers(keep=keep), []
        for item in items:
            read = formers.question(item) if folder else None
            if isinstance(read, Item):
                verdict = self.hear(read)
                found = Found(not absent(verdict), verdict.value, whole=not verdict.link)
                assert formers.answer(item, found) is None
            ticket = Ticket(item, REQUEST, "", attempts=1, started=1.0)
            outcomes.append(outcome(ticket, self.hear(item), 1.0, strict=False))
        if folder is not None:
            folder.before.write_bytes(b"".join(kept))
            folder.results.write_bytes(b"".join(map(line, outcomes)))
            folder.write({"state": "complete", "job": {}, "options": {}})
        return outcomes

    def run_job(self, path: Path) -> list[Outcome]:
        """Run a job file, once it is found in order."""
        job = load(path)
        job.check()
        return self.run(job.items())

    def holds(self) -> Directory:
        """All that the tenant shows of its objects, their permissions and members."""
        found: Directory = {}
        for cmdlet in LISTS:
            for each in self._objects(cmdlet, ResultSize="Unlimited"):
                found[cmdlet, each["Guid"]] = {name: _plain(value) for name, value in each.items()}
                found[cmdlet, each["Guid"]] = {
                    name: value
                    for name, value in found[cmdlet, each["Guid"]].items()
                    if name not in CHANGES_BY_ITSELF
                }
        for _, guid in [key for key in found if key[0] == "Get-Mailbox"]:
            found["FullAccess", guid] = self._entries("Get-MailboxPermission", guid, "User")
            found["SendAs", guid] = self._entries("Get-RecipientPermission", guid, "Trustee")
            found["Calendar", guid] = self._entries(
                "Get-MailboxFolderPermission", f"{guid}:\\Calendar", "User"
            )
        for _, guid in [key for key in found if key[0] == "Get-DistributionGroup"]:
            members = self._objects("Get-DistributionGroupMember", Identity=guid, ResultSize="Unlimited")
            found["Members", guid] = {"of": sorted(each["Guid"] for each in members)}
        return found

    def _objects(self, cmdlet: str, **parameters: Any) -> list[Any]:
        verdict = self.hear(Item(1, 1, cmdlet, "", parameters, {}))
        assert verdict.failure is None, verdict.failure
        return list(verdict.value)

    def _entries(self, cmdlet: str, identity: str, who: str) -> dict[str, Any]:
        found = self._objects(cmdlet, Identity=identity)
        return {
            f"{each[who]} {each.get('Deny')}": [
                sorted(each["AccessRights"]), each.get("SharingPermissionFlags")
            ]
            for each in found
        }  # fmt: skip


def _plain(value: Any) -> Any:
    """The value, whether nothing is shown as null, as "" or as no member, and whatever the order."""
    if isinstance(value, list):
        return sorted(map(str, value)) or None
    return None if value == "" else value


def different(before: Directory, after: Directory) -> list[tuple[str, str, str, Any, Any]]:
    """Where two directories differ: kind, object, property, and the value in each."""
    found = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key, {}), after.get(key, {})
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                found.append((*key, name, one.get(name), other.get(name)))
    return found

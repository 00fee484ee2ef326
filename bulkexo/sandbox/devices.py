"""Telephones that mail is read on: about every other person has one, made from the mailbox's number."""

from __future__ import annotations

from collections.abc import Iterator

from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.people import guid, mix, when
from bulkexo.sandbox.tenant import Handler, Result, Run, Tenant
from bulkexo.sandbox.views import Row, render

_MODELS = (("iPhone", "iPhone15C2"), ("iPad", "iPad14C1"), ("Android", "SM-G991B"), ("Outlook", "Pixel 8"))


def devices(tenant: Tenant, mailbox: int) -> Iterator[Row]:
    """A row a device."""
    facts = tenant.facts(mailbox)
    bits = mix(tenant.people.seed, 10, mailbox)
    count = bits % 3 if facts["RecipientTypeDetails"] == "UserMailbox" else 0
    for number in range(count):
        kind, model = _MODELS[(bits >> 8 * number + 8) % len(_MODELS)]
        device = guid(tenant.people.seed, "Guid", mailbox * 10 + number).replace("-", "").upper()
        yield {
            "Identity": f"{facts['Name']}/ExchangeActiveSyncDevices/{kind}§{device}", "DeviceId": device,
            "DeviceType": kind, "DeviceModel": model, "DeviceOS": "17.5", "ClientType": "EAS",
            "Status": "DeviceOk", "DeviceAccessState": "Allowed", "FirstSyncTime": when(bits >> 20),
            "LastSuccessSync": when(bits >> 24), "LastSyncAttemptTime": when(bits >> 24),
            "NumberOfFoldersSynced": 6 + bits % 20, "IsValid": True, "ObjectState": "Unchanged",
        }  # fmt: skip


def get_statistics(run: Run) -> Result:
    """The devices of a mailbox, named by `Mailbox`, or by `Identity`."""
    mailbox = run.tenant.mailbox(run.bound.get("Mailbox") or run.bound.get("Identity") or "")
    return limited(run, in_memory([render(row, {}, run.select) for row in devices(run.tenant, mailbox)]))


HANDLERS: dict[str, Handler] = {"Get-MobileDeviceStatistics": get_statistics}

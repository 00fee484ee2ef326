"""Distribution groups and their members."""

from __future__ import annotations

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited, read
from bulkexo.sandbox.mailboxes import check_new, new_facts
from bulkexo.sandbox.settings import enum_value
from bulkexo.sandbox.tenant import Handler, Result, Run, Tenant, apply_settings
from bulkexo.sandbox.views import GROUP, RECIPIENT, render


def members_of(tenant: Tenant, group: int) -> list[int]:
    """Identifiers of a group's members, in the order in which they came; those removed left out."""
    members = tenant.members.get(group)
    if members is None:
        made = -group <= tenant.people.groups
        members = tenant.members[group] = tenant.people.members(-group) if made else []
    return [member for member in members if tenant.directory.exists(member)]


def get_group(run: Run) -> Result:
    """All groups, one, or those that someone manages."""
    manager = run.bound.get("ManagedBy")
    if manager is None:
        return read(run, GROUP, mailboxes=False, groups=True)
    name = run.tenant.settings.recipient_name(manager)
    rows = []
    for identifier in run.tenant.directory.identifiers(groups=True):
        facts = run.tenant.facts(identifier)
        if name in facts.get("ManagedBy", GROUP["ManagedBy"]):
            rows.append(render(GROUP, facts, run.select))
    return limited(run, in_memory(rows))


def set_group(run: Run) -> Result:
    """Any of its settings."""
    return apply_settings(run, run.tenant.group(run.bound["Identity"]), GROUP)


def new_group(run: Run) -> Result:
    """A group with members; the type is Distribution or Security."""
    tenant, bound = run.tenant, run.bound
    kind = enum_value("Type", "GroupType", bound.get("Type") or "Distribution")
    details = "RoomList" if run.switch("RoomList") else f"MailUniversal{kind}Group"
    facts = new_facts(run, details)
    check_new(run, facts)
    members: list[int] = []
    for identity in (bound["Members"].replace or ()) if "Members" in bound else ():
        member = tenant.directory.find(identity)
        if member in members:
            raise errors.duplicated_recipient("Members", identity)
        members.append(member)
    settable = run.signature.types.keys() - {
        "Name", "Alias", "DisplayName", "PrimarySmtpAddress", "Members", "Type", "OrganizationalUnit",
    }  # fmt: skip
    extra = {name: value for name, value in bound.items() if name in settable}
    facts.update(tenant.settings.changes(run.signature, extra, 0, facts, GROUP))
    identifier = tenant.directory.create(facts, group=True)
    tenant.members[identifier] = members
    return Result([render(GROUP, tenant.facts(identifier), run.select)], changed=True)


def remove_group(run: Run) -> Result:
    """The group is gone for good."""
    identifier = run.tenant.group(run.bound["Identity"])
    run.tenant.directory.remove(identifier)
    run.tenant.directory.purge(identifier)
    return Result(changed=True)


def get_members(run: Run) -> Result:
    """The members, as recipients."""
    tenant = run.tenant
    members = members_of(tenant, tenant.group(run.bound["Identity"]))
    return limited(
        run, in_memory([render(RECIPIENT, tenant.facts(member), run.select) for member in members])
    )


def add_member(run: Run) -> Result:
    """One more; an error if it is one already."""
    tenant = run.tenant
    group, member = _group_and_member(run)
    if member in members_of(tenant, group):
        raise errors.already_member(tenant.facts(member)["Name"], tenant.facts(group)["Name"])
    tenant.members[group].append(member)
    return Result(changed=True)


def remove_member(run: Run) -> Result:
    """One fewer; an error if it is none."""
    tenant = run.tenant
    group, member = _group_and_member(run)
    if member not in members_of(tenant, group):
        raise errors.not_a_member(tenant.facts(member)["Name"], tenant.facts(group)["Name"])
    tenant.members[group].remove(member)
    return Result(changed=True)


def _group_and_member(run: Run) -> tuple[int, int]:
    if not run.bound.get("Member"):
        raise errors.missing_parameters("Member")
    group = run.tenant.group(run.bound["Identity"])
    return group, run.tenant.directory.find(run.bound["Member"])


HANDLERS: dict[str, Handler] = {
    "Get-DistributionGroup": get_group,
    "Set-DistributionGroup": set_group,
    "New-DistributionGroup": new_group,
    "Remove-DistributionGroup": remove_group,
    "Get-DistributionGroupMember": get_members,
    "Add-DistributionGroupMember": add_member,
    "Remove-DistributionGroupMember": remove_member,
}

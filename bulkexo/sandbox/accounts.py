"""Which tenants there are behind the sign-in service, and who signs in to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from bulkexo.sandbox.options import SandboxOptions
from bulkexo.sandbox.people import People

ANY_TENANT = frozenset({"organizations", "common"})
"""Names that stand for the tenant of whoever signs in."""


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in. upn: as it was given."""

    upn: str
    tenant_id: str

    @property
    def object_id(self) -> str:
        """The same for the same name."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"upn:{self.upn.lower()}"))


class Tenants:
    """Tenants by GUID, initial domain, and the domains of their users."""

    def __init__(self, tenants: Iterable[SandboxOptions]) -> None:
        self._names: dict[str, str] = {}
        self._domains: dict[str, str] = {}
        for tenant in tenants:
            people = People(tenant.seed, tenant.mailboxes, tenant.domain)
            for name in (tenant.domain, tenant.tenant_id):
                self._names[name] = tenant.tenant_id
            for domain in (tenant.domain, people.main_domain):
                self._domains[domain] = tenant.tenant_id

    def guid(self, name: str) -> str | None:
        """The GUID of the tenant with this GUID or initial domain, or None."""
        return self._names.get(name.lower())

    def everyone(self) -> frozenset[str]:
        """The GUIDs of all tenants."""
        return frozenset(self._names.values())

    def user(self, upn: str) -> User | None:
        """Whoever has this name; anybody at a tenant's own domain exists, mailbox or not."""
        local, _, domain = upn.strip().rpartition("@")
        tenant_id = self._domains.get(domain.lower())
        return None if not local or tenant_id is None else User(upn.strip(), tenant_id)

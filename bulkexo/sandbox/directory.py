"""What exists in the tenant: the people made on demand, and what was written since the start.

An object is known by an identifier: mailboxes count up from 1, groups down from -1; new ones go on from
where the made ones end. Only what differs from the making is kept, so 100,000 mailboxes cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.people import Facts, People, guid, guid_owner

_NUMBER = re.compile(r"(\d{1,9})(?:@.*)?$")
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_KEY_PROPERTIES = (
    "Name", "Alias", "UserPrincipalName", "Guid", "ExchangeGuid", "ExternalDirectoryObjectId",
)  # fmt: skip
_NAMING = frozenset({*_KEY_PROPERTIES, "EmailAddresses"})


class Directory:
    """All recipients. `find` resolves an identity as the service does: by address, sign-in name, alias,
    name, GUID or distinguished name, then by display name if only one object has it; case is ignored."""

    def __init__(self, people: People) -> None:
        self.people = people
        self._written: dict[int, Facts] = {}
        self._removed: set[int] = set()
        self._purged: set[int] = set()
        self._extra: dict[str, list[int]] = {}
        self._display_names: dict[str, list[int]] | None = None
        self.last_mailbox = people.mailboxes
        self.last_group = people.groups

    def facts(self, identifier: int) -> Facts:
        """The properties of an object: a copy that may be changed."""
        made = self._made(identifier)
        written = self._written.get(identifier)
        if written:
            made.update(written)
        return made

    def _made(self, identifier: int) -> Facts:
        if 0 < identifier <= self.people.mailboxes:
            return self.people.mailbox(identifier)
        if 0 < -identifier <= self.people.groups:
            return self.people.group(-identifier)
        return {}

    def exists(self, identifier: int) -> bool:
        """Whether the object is there and was not removed."""
        return identifier not in self._removed and (
            0 < identifier <= self.last_mailbox or 0 < -identifier <= self.last_group
        )

    def identifiers(self, *, groups: bool, after: int = 0, removed: bool = False) -> Iterator[int]:
        """All mailboxes (or groups), in order, from the one after `after` on; `removed`: those removed."""
        last = self.last_group if groups else self.last_mailbox
        for number in range(abs(after) + 1, last + 1):
            identifier = -number if groups else number
            if (identifier in self._removed) == removed and identifier not in self._purged:
                yield identifier

    def write(self, identifier: int, changes: Facts) -> None:
        """Keep new values of some properties."""
        self._written.setdefault(identifier, {}).update(changes)
        renamed = keys(self.facts(identifier)) if changes.keys() & _NAMING else ()
        for key in renamed:
            owners = self._extra.setdefault(key, [])
            if identifier not in owners:
                owners.append(identifier)
        if "DisplayName" in changes and self._display_names is not None:
            self._display_names.setdefault(str(changes["DisplayName"]).casefold(), []).append(identifier)

    def create(self, facts: Facts, *, group: bool) -> int:
        """A new object; its GUIDs are made here. Returns its identifier."""
        if group:
            self.last_group += 1
            identifier = -self.last_group
        else:
            self.last_mailbox += 1
            identifier = self.last_mailbox
        seed = self.people.seed
        made = {
            kind: guid(seed, kind, identifier)
            for kind in ("Guid", "ExchangeGuid", "ExternalDirectoryObjectId")
        }
        self.write(identifier, {**facts, **made})
        return identifier

    def remove(self, identifier: int) -> None:
        """The object is gone from every lookup (a mailbox is soft-deleted)."""
        self._removed.add(identifier)

    def purge(self, identifier: int) -> None:
        """A removed object is gone from the lookups of removed ones, too."""
        self._purged.add(identifier)

    def find(
        self, identity: str, suits: Callable[[int], bool] = lambda _: True, *, removed: bool = False
    ) -> int:
        """The object that `identity` names and `suits`. Raises CmdletError: not found, or ambiguous."""
        found = self.lookup(identity, suits, removed=removed)
        if not found:
            raise errors.not_found(identity)
        if len(found) > 1:
            raise errors.ambiguous(identity)
        return found[0]

    def lookup(
        self, identity: str, suits: Callable[[int], bool] = lambda _: True, *, removed: bool = False
    ) -> list[int]:
        """All objects that `identity` names: at most one unless it is a display name."""
        key = _key(identity)
        if not key:
            return []
        found = [
            identifier
            for identifier in dict.fromkeys(self._candidates(key))
            if self._there(identifier, removed) and suits(identifier) and key in keys(self.facts(identifier))
        ]
        if found or "@" in key:
            return found
        return [
            identifier
            for identifier in dict.fromkeys(self._by_display_name(key))
            if self._there(identifier, removed)
            and suits(identifier)
            and self.facts(identifier)["DisplayName"].casefold() == key
        ]

    def owner_of_address(self, address: str, *, apart_from: int = 0) -> int | None:
        """Which other object has this address (with or without its `smtp:`)."""
        found = self.lookup(address.partition(":")[2] or address)
        return next((identifier for identifier in found if identifier != apart_from), None)

    def _there(self, identifier: int, removed: bool) -> bool:
        return (
            identifier in self._removed and identifier not in self._purged
            if removed
            else self.exists(identifier)
        )

    def _candidates(self, key: str) -> Iterator[int]:
        yield from self._extra.get(key, ())
        if _GUID.fullmatch(key):
            yield guid_owner(self.people.seed, key)
        elif match := _NUMBER.search(key):
            number = int(match[1])
            yield number
            yield -number

    def _by_display_name(self, key: str) -> list[int]:
        if self._display_names is None:
            self._display_names = {}
            for groups in (False, True):
                for identifier in self.identifiers(groups=groups):
                    name = self.facts(identifier)["DisplayName"].casefold()
                    self._display_names.setdefault(name, []).append(identifier)
        return self._display_names.get(key, [])


def _key(identity: str) -> str:
    key = identity.strip().casefold()
    if key.startswith("cn="):
        return key.partition(",")[0].removeprefix("cn=")
    return key


def keys(facts: Facts) -> set[str]:
    """Everything an object can be named by, but its display name; without case."""
    found: set[Any] = {facts[name].casefold() for name in _KEY_PROPERTIES if facts.get(name)}
    for address in facts["EmailAddresses"]:
        found.add(address.partition(":")[2].casefold())
    return found

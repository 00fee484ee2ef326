"""The job of the chaos tests: rows of many kinds, each with an effect of its own."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bulkexo.sandbox.people import People

DOMAIN = "contoso.onmicrosoft.com"
COLUMNS = (
    "Cmdlet", "Identity", "Name", "PrimarySmtpAddress", "Shared", "Member", "User", "AccessRights",
    "CustomAttribute1",
)  # fmt: skip
SEED = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row. cells: by column, without the empty ones. lane: the object it concerns."""

    number: int
    cells: dict[str, str] = field(hash=False)

    @property
    def cmdlet(self) -> str:
        return self.cells["Cmdlet"]

    @property
    def safe(self) -> bool:
        return self.cmdlet.startswith("Set-")

    @property
    def lane(self) -> str:
        names = ("Identity", "PrimarySmtpAddress", "Mailbox")
        return next(self.cells[name] for name in names if self.cells.get(name))

    @property
    def effect(self) -> tuple[str, ...]:
        """What the sandbox's journal calls it."""
        return effect(self.cmdlet, self.cells)


def effect(cmdlet: str, parameters: dict[str, str]) -> tuple[str, ...]:
    """What tells one effect from another."""
    names = ("Identity", "Name", "Member", "User", "CustomAttribute1")
    return (cmdlet, *(str(parameters.get(name, "")) for name in names))


def mailbox(number: int) -> str:
    return f"mailbox{number}@{DOMAIN}"


class Writer:
    """Makes jobs of `count` rows, each on objects that no row of another chain touches, nor another of the
    jobs (`experiments`, at most so many). mailboxes: of the sandbox."""

    def __init__(self, count: int, seed: int, experiments: int = 1) -> None:
        self.mailboxes = 3 * count * experiments + 100
        self._count = count
        self._dice = random.Random(seed)
        self._people = People(SEED, self.mailboxes, DOMAIN)
        in_groups = {member for group in range(1, self._people.groups + 1) for member in self._members(group)}
        numbers = [number for number in range(1, self.mailboxes + 1) if number not in in_groups]
        self._dice.shuffle(numbers)
        self._own = iter(numbers)
        self._pairs = self._members_of_groups()
        self._groups = 0

    def rows(self) -> list[Row]:
        """The job."""
        kinds: list[Callable[[], list[dict[str, str]]]] = [
            self._set,
            self._set,
            self._new_mailbox,
            self._new_group,
            self._add_member,
            self._grant,
            self._remove_member,
            self._remove_mailbox,
            self._revoke,
            self._life,
        ]
        chains: list[list[dict[str, str]]] = []
        left = self._count
        while left > 0:
            chain = self._dice.choice(kinds)()[:left]
            chains.append(chain)
            left -= len(chain)
        return [Row(number, cells) for number, cells in enumerate(self._interleaved(chains), 1)]

    def _interleaved(self, chains: list[list[dict[str, str]]]) -> Iterator[dict[str, str]]:
        """Rows of a chain stay in order, with those of others between them."""
        going: list[list[dict[str, str]]] = []
        waiting = iter(chains)
        while True:
            while len(going) < 8 and (chain := next(waiting, None)):
                going.append(chain[::-1])
            if not going:
                return
            chain = self._dice.choice(going)
            yield chain.pop()
            going = [each for each in going if each]

    def _members(self, group: int) -> list[int]:
        return self._people.members(group)

    def _members_of_groups(self) -> Iterator[tuple[int, int]]:
        for group in range(1, self._people.groups + 1):
            for member in dict.fromkeys(self._members(group)):
                yield group, member

    def _new_name(self) -> str:
        return f"fresh{next(self._own)}x"

    def _set(self) -> list[dict[str, str]]:
        number = next(self._own)
        return [_cells("Set-Mailbox", Identity=mailbox(number), CustomAttribute1=f"v{number}")]

    def _new_mailbox(self) -> list[dict[str, str]]:
        name = self._new_name()
        return [_cells("New-Mailbox", Name=name, PrimarySmtpAddress=f"{name}@contoso.com", Shared="true")]

    def _new_group(self) -> list[dict[str, str]]:
        name = self._new_name()
        return [_cells("New-DistributionGroup", Name=name, PrimarySmtpAddress=f"{name}@contoso.com")]

    def _add_member(self) -> list[dict[str, str]]:
        group = self._groups % self._people.groups + 1
        self._groups += 1
        return [
            _cells(
                "Add-DistributionGroupMember",
                Identity=f"group{group}@{DOMAIN}",
                Member=mailbox(next(self._own)),
            )
        ]

    def _grant(self) -> list[dict[str, str]]:
        return [_grant(mailbox(next(self._own)), mailbox(next(self._own)))]

    def _remove_member(self) -> list[dict[str, str]]:
        pair = next(self._pairs, None)
        if pair is None:
            return self._set()
        group, member = pair
        return [
            _cells(
                "Remove-DistributionGroupMember", Identity=f"group{group}@{DOMAIN}", Member=mailbox(member)
            )
        ]

    def _remove_mailbox(self) -> list[dict[str, str]]:
        return [_cells("Remove-Mailbox", Identity=mailbox(next(self._own)))]

    def _revoke(self) -> list[dict[str, str]]:
        return [
            _cells(
                "Remove-MailboxPermission",
                Identity=mailbox(next(self._own)),
                User="NT AUTHORITY\\SELF",
                AccessRights="FullAccess",
            )
        ]

    def _life(self) -> list[dict[str, str]]:
        """One mailbox from its making to its end, in four rows that must keep their order."""
        name = self._new_name()
        address = f"{name}@contoso.com"
        return [
            _cells("New-Mailbox", Name=name, PrimarySmtpAddress=address, Shared="true"),
            _cells("Set-Mailbox", Identity=address, CustomAttribute1="alive"),
            _grant(address, "NT AUTHORITY\\SYSTEM"),
            _cells("Remove-Mailbox", Identity=address),
        ]


def _cells(cmdlet: str, **cells: str) -> dict[str, str]:
    return {"Cmdlet": cmdlet, **cells}


def _grant(identity: str, user: str) -> dict[str, str]:
    return _cells("Add-MailboxPermission", Identity=identity, User=user, AccessRights="ChangePermission")


def write(rows: list[Row], path: Path) -> None:
    """The job as a CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(row.cells for row in rows)

"""Who is in the tenant: made from (seed, number), never stored.

Mailboxes are numbered from 1 to `--mailboxes`. Number 17 might be:

    Alias               znovak17                       first letter of the first name, last name, number
    UserPrincipalName   zofia.novak17@contoso.com      first.last + number at the tenant's own domain
    PrimarySmtpAddress  the same
    EmailAddresses      SMTP:zofia.novak17@contoso.com, smtp:znovak17@contoso.onmicrosoft.com,
                        smtp:mailbox17@contoso.onmicrosoft.com

The last address is made of nothing but the number: whoever wants a job of 10,000 rows without asking for
names writes `mailbox1@contoso.onmicrosoft.com` to `mailbox10000@…` as identities. `bulkexo sandbox
--list-mailboxes FILE.csv` writes all of them with names and departments. About one in ten is a shared
mailbox (`finance.shared17@…`), one in forty a room or a piece of equipment. Groups are numbered likewise:
`finance.group3@contoso.com`, alias `finance-group3`, also `group3@contoso.onmicrosoft.com`.
About a third of the display names hold letters beyond ASCII; addresses never do.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from bulkexo.sandbox.names import DEPARTMENTS, FIRST, LAST, OFFICES, OTHER_SCRIPTS, TITLES

Facts = dict[str, Any]
"""Property name to value: what sets one object apart from the template of its kind."""

_PLAIN: Final = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ı": "i", "æ": "ae"})
_MASK: Final = (1 << 64) - 1
_GUID_FACTOR: Final = 0x5DEECE66D
_GUID_INVERSE: Final = pow(_GUID_FACTOR, -1, 1 << 48)
_GUID_KINDS: Final = ("Guid", "ExchangeGuid", "ExternalDirectoryObjectId", "ArchiveGuid")


def mix(*parts: int) -> int:
    """64 well-mixed bits of some whole numbers (splitmix64): the same for the same numbers, everywhere."""
    state = 0
    for part in parts:
        state = (state ^ part) + 0x9E3779B97F4A7C15 & _MASK
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def plain(text: str) -> str:
    """Lower-case ASCII for addresses: marks dropped, ß to ss, ł to l."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(c for c in decomposed if c.isascii() and c.isalnum()).lower()


_PLAIN_FIRST: Final = [plain(name) for name in FIRST]
_PLAIN_LAST: Final = [plain(name) for name in LAST]


def guid(seed: int, kind: str, identifier: int) -> str:
    """The GUID of an object (mailboxes count up from 1, groups down from -1), reversible by `guid_owner`."""
    low = (identifier * _GUID_FACTOR + mix(seed)) % (1 << 48)
    high = mix(seed, _GUID_KINDS.index(kind), identifier & _MASK)
    text = f"{high:016x}{low:012x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[3:6]}-{text[16:]}"


def guid_owner(seed: int, text: str) -> int:
    """The identifier that a GUID of ours would belong to; whether it does is for the caller to check."""
    number = (int(text[-12:], 16) - mix(seed)) * _GUID_INVERSE % (1 << 48)
    return number if number < 1 << 47 else number - (1 << 48)


def when(bits: int) -> str:
    """A moment of the years 2018 to 2024, as the service writes them: UTC, with Z."""
    day, second = bits % 2500, (bits >> 12) % 86400
    year, rest = 2018 + day // 366, day % 366
    month, of_month = rest // 31 + 1, rest % 28 + 1
    return f"{year}-{month:02}-{of_month:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


class People:
    """Makes the facts of mailboxes and groups of one tenant. domain: its initial domain
    (`contoso.onmicrosoft.com`); the addresses stand in `main_domain` (`contoso.com`). synced: of 100 people,
    how many are mastered on-premises."""

    def __init__(self, seed: int, mailboxes: int, domain: str, synced: float = 0.0) -> None:
        self.seed = seed
        self.synced = synced
        self.mailboxes = mailboxes
        self.groups = max(10, mailboxes // 25)
        self.domain = domain
        self.main_domain = domain.removesuffix(".onmicrosoft.com") + (
            ".com" if domain.endswith(".onmicrosoft.com") else ""
        )

    def mailbox(self, number: int) -> Facts:
        """Mailbox `number`, 1 to `mailboxes`."""
        bits = mix(self.seed, 1, number)
        department = DEPARTMENTS[bits % len(DEPARTMENTS)]
        office, city, country = OFFICES[(bits >> 8) % len(OFFICES)]
        kind = (bits >> 16) % 1000
        if kind < 100:
            names = self._shared(number, department)
        elif kind < 125:
            names = self._resource(number, city, room=kind < 119)
        else:
            names = self._person(number, bits)
        local, alias = names["local"], names.pop("Alias")
        upn = f"{local}@{self.main_domain}"
        del names["local"]
        return {
            **names,
            "Name": alias,
            "Alias": alias,
            "UserPrincipalName": upn,
            "PrimarySmtpAddress": upn,
            "EmailAddresses": [
                f"SMTP:{upn}",
                f"smtp:{alias}@{self.domain}",
                f"smtp:mailbox{number}@{self.domain}",
            ],
            "Department": department,
            "Office": office,
            "City": city,
            "CountryOrRegion": country,
            "Title": TITLES[(bits >> 28) % len(TITLES)] if names["FirstName"] else "",
            "Phone": f"+0 555 {number:07}",
            "WhenCreated": when(bits >> 32),
            **self._guids(number),
            **({"IsDirSynced": True} if self.is_synced(number, person=kind >= 125) else {}),
        }

    def is_synced(self, number: int, *, person: bool) -> bool:
        """Whether mailbox `number`, a person's or not, is mastered on-premises."""
        return person and self.synced > 0 and mix(self.seed, 11, number) % 10_000 < self.synced * 100

    def group(self, number: int) -> Facts:
        """Distribution group `number`, 1 to `groups`."""
        bits = mix(self.seed, 2, number)
        department = DEPARTMENTS[bits % len(DEPARTMENTS)]
        alias = f"{plain(department)}-group{number}"
        upn = f"{plain(department)}.group{number}@{self.main_domain}"
        return {
            "Name": f"{department} Group {number}",
            "DisplayName": f"{department} Group {number}",
            "Alias": alias,
            "PrimarySmtpAddress": upn,
            "EmailAddresses": [f"SMTP:{upn}", f"smtp:group{number}@{self.domain}"],
            "RecipientTypeDetails": "MailUniversalDistributionGroup",
            "WhenCreated": when(bits >> 32),
            **self._guids(-number),
        }

    def members(self, number: int) -> list[int]:
        """Mailbox numbers of group `number` at the start: up to 25, spread over the tenant."""
        bits = mix(self.seed, 3, number)
        count = min(self.mailboxes, 5 + bits % 21)
        step = max(1, self.mailboxes // max(1, count))
        return [(bits + i * step) % self.mailboxes + 1 for i in range(count)]

    def delegates(self, number: int) -> list[int]:
        """Mailbox numbers that have full access to shared mailbox `number` at the start: 1 to 3."""
        bits = mix(self.seed, 4, number)
        return sorted({(bits >> 8 * i) % self.mailboxes + 1 for i in range(1 + bits % 3)} - {number})

    def _guids(self, identifier: int) -> Facts:
        return {kind: guid(self.seed, kind, identifier) for kind in _GUID_KINDS[:3]}

    def _person(self, number: int, bits: int) -> Facts:
        if (bits >> 44) % 50 == 0:
            display, first, last = OTHER_SCRIPTS[(bits >> 50) % len(OTHER_SCRIPTS)]
            ascii_first, ascii_last = plain(first), plain(last)
        else:
            i, j = (bits >> 36) % len(FIRST), (bits >> 48) % len(LAST)
            first, last, ascii_first, ascii_last = FIRST[i], LAST[j], _PLAIN_FIRST[i], _PLAIN_LAST[j]
            display = f"{first} {last}"
        return {
            "FirstName": first,
            "LastName": last,
            "DisplayName": display,
            "RecipientTypeDetails": "UserMailbox",
            "Alias": f"{ascii_first[0]}{ascii_last}{number}",
            "local": f"{ascii_first}.{ascii_last}{number}",
        }

    @staticmethod
    def _shared(number: int, department: str) -> Facts:
        return {
            "FirstName": "",
            "LastName": "",
            "DisplayName": f"{department} (shared {number})",
            "RecipientTypeDetails": "SharedMailbox",
            "Alias": f"{plain(department)}-shared{number}",
            "local": f"{plain(department)}.shared{number}",
        }

    @staticmethod
    def _resource(number: int, city: str, *, room: bool) -> Facts:
        word, kind = ("room", "RoomMailbox") if room else ("projector", "EquipmentMailbox")
        return {
            "FirstName": "",
            "LastName": "",
            "DisplayName": f"{word.capitalize()} {city} {number}",
            "RecipientTypeDetails": kind,
            "Alias": f"{word}-{plain(city)}{number}",
            "local": f"{plain(city)}.{word}{number}",
        }

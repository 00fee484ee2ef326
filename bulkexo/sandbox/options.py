"""What a sandbox is asked for, and the words in which it is asked (`--latency 0.5,0.3` and the like)."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from bulkexo.sandbox.faults import Faults
from bulkexo.sandbox.signin_options import SignInOptions
from bulkexo.sandbox.timing import Latency

CLIENT_ID = "b01cec0d-5a9d-4b0c-8e10-7e57000000c5"
"""The one application the sandbox's authority knows: fixed, since it is no secret."""

PUBLIC_CLIENT = "fb78d390-0c51-40cd-8e17-fdbfab77341b"
"""The application of Microsoft's own module: public, known in every tenant (`protocol.md`, "Identity")."""

THROTTLE_STYLES = ("whole", "inside", "mixed")
RETRY_AFTER_STYLES = ("exact", "short", "none", "fraction", "date")


class OptionError(ValueError):
    """An option that cannot be understood; the text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Server time as a budget (`protocol.md`, "Throttling"), in milliseconds.

    recharge: given per hour. cutoff: the balance (below 0) under which everything is refused.
    burst: the most that is saved up, and the balance at the start.
    """

    recharge: float
    cutoff: float
    burst: float


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """All that can be asked of a sandbox.

    port: 0 for a free one; compliance_port: the same for Security & Compliance, whose regional host is
    `REGION.localhost`. domain: the tenant's initial domain. mailboxes, seed: the directory. synced: of 100
    people, how many are mastered on-premises, so that writes of their attributes are refused. speed: how
    many times faster than life. It divides every wait of the server (latencies, micro delays, slow replies,
    Retry-After) and multiplies what it gives per time (allowance, the budget's recharge). Lifetimes of
    tokens and of paging cursors stay in real seconds. read_lag: seconds of life until reads see a write.
    language: of messages, for who asks for no English. rate_limit_headers: whether answers tell of the
    allowance. latency: seconds per cmdlet. batch_parallel: how many cmdlets of one batch overlap.
    allowance: cmdlets per second (None for no limit), burst: how many at once (None: one second's worth, 10
    at least). throttle_style: one of THROTTLE_STYLES. retry_after: one of RETRY_AFTER_STYLES.
    max_concurrent: requests in flight (None for no limit). token_lifetime, cursor_lifetime: seconds.
    rotate_key_every: seconds after which SecureStrings have a new key (None: never). journal: NDJSON file
    that gets a line per cmdlet that took effect; arrivals: one per cmdlet that came. ca_file: where the CA
    goes (None: a temporary folder). secret: the client secret (None: random). others: further tenants
    behind the same door, each with all options of its own; what belongs to the door (port, compliance_port,
    region, journal, arrivals, ca_file, secret, signin, token_lifetime) is read from the first alone.
    signin: the sign-in service.
    """

    port: int = 0
    compliance_port: int = 0
    region: str = "eur01b"
    seed: int = 1
    mailboxes: int = 2500
    domain: str = "contoso.onmicrosoft.com"
    synced: float = 0.0
    speed: float = 1.0
    latency: Latency = field(default_factory=Latency)
    batch_parallel: int = 10
    language: str = "en"
    read_lag: float = 0.0
    rate_limit_headers: bool = False
    allowance: float | None = None
    burst: float | None = None
    throttle_style: str = "mixed"
    retry_after: str = "exact"
    max_concurrent: int | None = None
    budget: Budget | None = None
    token_lifetime: float = 3600.0
    cursor_lifetime: float = 300.0
    rotate_key_every: float | None = None
    faults: Faults = field(default_factory=Faults)
    journal: Path | None = None
    arrivals: Path | None = None
    ca_file: Path | None = None
    secret: str | None = None
    signin: SignInOptions = field(default_factory=SignInOptions)
    others: tuple[SandboxOptions, ...] = ()

    def __post_init__(self) -> None:
        """Raises OptionError if the domain or the region is none, or a domain is there twice."""
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", self.domain):
            raise OptionError(f"'{self.domain}' is not a domain: write one such as contoso.onmicrosoft.com.")
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", self.region):
            raise OptionError(f"'{self.region}' is not a region: write one such as eur01b.")
        domains = [tenant.domain for tenant in self.tenants]
        twice = next((domain for domain in domains if domains.count(domain) > 1), None)
        if twice is not None:
            raise OptionError(f"The tenant {twice} is there twice: every tenant needs a domain of its own.")

    @property
    def tenants(self) -> tuple[SandboxOptions, ...]:
        """The options of every tenant, the first included."""
        return (self, *self.others)

    @property
    def tenant_id(self) -> str:
        """The tenant's GUID: the same for the same domain."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, self.domain))


@dataclass(frozen=True, slots=True)
class ServedTenant:
    """One tenant of a running sandbox. tenant: its domain."""

    tenant: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a client needs to know of a running sandbox; the members of the `--json` line.

    endpoint, compliance: origins of Exchange and of Security & Compliance.
    tenant, tenant_id: of the first tenant. tenants: all of them. The client's id and secret are good for all.
    public_client_id: of the client of people. credentials: the app's files, and the passphrase of the
    encrypted ones. managed_identity: where its tokens are had. Both are None if not asked for.
    """

    endpoint: str
    compliance: str
    authority: str
    tenant: str
    tenant_id: str
    ca_file: str
    client_id: str
    client_secret: str = field(repr=False)
    tenants: tuple[ServedTenant, ...]
    public_client_id: str = PUBLIC_CLIENT
    credentials: dict[str, str] | None = field(default=None, repr=False)
    managed_identity: dict[str, str] | None = field(default=None, repr=False)


def parse_allowance(text: str) -> float:
    """`20/s`, `20` or `1200/min` as cmdlets per second."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/(s|min|h))?", text.strip())
    if match is None or float(match[1]) == 0:
        raise OptionError(
            f"The allowance '{text}' is not understood: write cmdlets per second, such as 20/s."
        )
    return float(match[1]) / {"s": 1, "min": 60, "h": 3600, None: 1}[match[2]]


def parse_budget(text: str) -> Budget:
    """`RECHARGE,CUTOFF[,BURST]` in milliseconds; the cutoff with or without its minus sign.

    Without a burst, a tenth of the cutoff, the ratio of Exchange's own throttling policies.
    """
    try:
        numbers = [abs(float(part)) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in {2, 3} or not all(numbers[:2]):
        raise OptionError(
            f"The budget '{text}' is not understood: write RECHARGE,CUTOFF in milliseconds, such as "
            "2160000,3000000 (the recharge per hour, the debt at which everything is refused)."
        )
    return Budget(numbers[0], -numbers[1], numbers[2] if len(numbers) == 3 else numbers[1] / 10)


def _number(kind: Callable[[str], float], least: float, form: str, text: str) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not least <= number < math.inf:
        raise OptionError(f"'{text}' is not understood: write {form}.")
    return number


_OWN: Final[Mapping[str, Callable[[str], Any]]] = {
    "mailboxes": partial(_number, int, 1, "a whole number, 1 or more"),
    "allowance": parse_allowance,
    "burst": partial(_number, float, 1, "a number, 1 or more"),
    "max-concurrent": partial(_number, int, 1, "a whole number, 1 or more"),
    "budget": parse_budget,
    "synced": partial(_number, float, 0, "a number, 0 or more"),
    "seed": partial(_number, int, -math.inf, "a whole number"),
}
"""What a further tenant can have of its own: key to how its text is read."""
_LIMITS: Final = frozenset({"allowance", "burst", "max-concurrent", "budget"})


def parse_tenant(text: str, first: SandboxOptions) -> SandboxOptions:
    """`DOMAIN[,KEY=VALUE…]`, a further tenant: as `first`, but for its domain and what it says.

    A comma ends a value only where another `KEY=` follows, so a budget keeps its own. A limit can be
    `none`. Raises OptionError.
    """
    domain, *pairs = re.split(r",(?=[^,=]*=)", text)
    domain = domain.strip().lower()
    own: dict[str, Any] = {}
    for key, _, value in (map(str.strip, pair.partition("=")) for pair in pairs):
        if key not in _OWN:
            raise OptionError(f"Tenant {domain}: there is no key '{key}'. There are: {', '.join(_OWN)}.")
        if key in own:
            raise OptionError(f"Tenant {domain}: the key {key} is there twice.")
        try:
            own[key] = None if value == "none" and key in _LIMITS else _OWN[key](value)
        except OptionError as error:
            raise OptionError(f"Tenant {domain}, {key}: {error}") from error
    changes = {key.replace("-", "_"): value for key, value in own.items()}
    return replace(first, domain=domain, others=(), **changes)

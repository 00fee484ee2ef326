"""What a worker asks of the coordinator, and what it is answered. Floor 4; no I/O.

Every question about a tenant carries its Pass; one of an earlier generation is answered by SupersededError.
An answer that is an exception is raised at the worker.

A question goes over a Dask comm as the op `OP`, with the fields `key` (of the Pass: compared before anything
is unpickled), `host` (of Begin and Beat), `number`, `settled` and `payload` (bytes, see `packed`); the answer
is bytes, too. A worker numbers its questions from 1, in one row for all of its tenants. One whose answer did
not come is asked again under its number, and answered again, never acted upon twice. settled: all below this
number are answered, so that their answers are forgotten. 0 is the number of what is not remembered: a Beat,
of which each is a new one.

TLS is that of the Dask worker (`get_worker().security`): with `--workers` it is made for the run alone.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bulkexo.connection import Connection
from bulkexo.model import BulkexoError, Earlier, Item, Outcome, Page, StoppedError
from bulkexo.options import Options
from bulkexo.pace import Learned
from bulkexo.pace.hours import Hours
from bulkexo.schedule import Tally
from bulkexo.wire.doors import Host

OP = "bulkexo_ask"
BEAT_AT_LEAST = 1.0
"""Seconds from one beat to the next, so that a person sees how it goes, and Ctrl-C is heard."""


class SupersededError(StoppedError):
    """The tenant was given to another worker: nothing more may be sent or written for it."""


class SignIn(StrEnum):
    """How a worker gets its tokens (`--worker-sign-in`). COORDINATOR: short-lived ones, from the coordinator,
    which alone has the credentials. WORKER: it signs in itself, by what the connection refers to: a managed
    identity, workload identity, or files (of a vault, say) that lie on the worker."""

    COORDINATOR = "coordinator"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Pass:
    """A tenant's share, as it is given to a worker: all that Dask itself is told. address: of the
    coordinator. run: its connection-id. number: of the tenant. generation: how often it has been given. key:
    what the coordinator knows its workers by; it shows nowhere."""

    address: str
    run: str
    number: int
    generation: int
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Begin:
    """A worker begins with a share. host: the worker process, a name of its own making. worker: its address,
    as Dask knows it. version: of bulkexo. Answered by a Share; a generation begins once, so that what Dask
    starts anew is turned away. From the moment it was sent, the worker may go on for the lease, as by a
    Beat."""

    at: Pass
    host: str
    worker: str
    version: str


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker needs to run a tenant. tenant: as the job names it. connection: without paths of
    credentials, unless the worker signs in itself. ca: certificates in PEM form that are trusted besides the
    system's, None for none. asked_of_nobody, ready_made: how the coordinator signed in, as
    Tenancy's checks of tokens ask. before: what is read before items are sent: "", "keep", "plan" or
    "unchanged". decide: whether a person can be asked. learned: what is known of the tenant's pace. lease:
    seconds that the worker may go on from a Beat that was answered. The rest: see tenancy.Surroundings."""

    tenant: str
    options: Options
    connection: Connection
    ca: bytes | None
    sign_in: SignIn
    asked_of_nobody: bool
    ready_made: bool
    run_id: str
    hosts: tuple[Host, ...]
    secure: tuple[Host, ...]
    secrets_later: bool
    ahead: int
    hours: Hours | None
    before: str
    decide: bool
    learned: Learned | None
    lease: float


@dataclass(frozen=True, slots=True)
class More:
    """Items are wanted, `count` at the most. Answered by Items."""

    at: Pass
    count: int


@dataclass(frozen=True, slots=True)
class Given:
    """An item for a worker. recovered: it was announced by an earlier process or generation, and may have
    been sent. before: earlier steps of its row that have ended."""

    item: Item
    recovered: bool = False
    before: Earlier | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """The next items of a tenant, in their order. over: there are no more. None, and not over: the run is
    being stopped, and no more are read."""

    given: Sequence[Given]
    over: bool


@dataclass(frozen=True, slots=True)
class Announce:
    """These items are about to be sent, or, withdrawn, were not. formers: see Results.former, one call each.
    Asked once all Ended before it are answered: what an item waited for must not be announced after it.
    Answered by None once the disk has it."""

    at: Pass
    items: Sequence[Item]
    formers: Sequence[tuple[Item, str, object, bool]] = ()
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """Pages of what items returned. Answered by None once they are written."""

    at: Pass
    pages: Sequence[Page]


@dataclass(frozen=True, slots=True)
class Ended:
    """Items that have ended. Answered by None once the journal has taken them on; said again where no answer
    came, and then those that are known already are passed over."""

    at: Pass
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class Decide:
    """A person is asked about an item. Answered by a bool."""

    at: Pass
    item: Item
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """A person should know this. Answered by None."""

    at: Pass
    text: str


@dataclass(frozen=True, slots=True)
class WantToken:
    """A token is wanted for a host. refused: the one that was refused, "" if none was; claims: of the
    challenge. Answered by a net.tokens.Token."""

    at: Pass
    host: Host
    refused: str = field(default="", repr=False)
    claims: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The worker has done with the share. complete: all items of it have ended. error: why not. tally,
    learned: see Standing. Answered by None."""

    at: Pass
    complete: bool
    error: BulkexoError | None
    tally: Tally
    learned: Learned | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a tenant stands at a worker. tally: of this generation, but for what the coordinator counts itself
    (by_status, unsent, kinds, examples, latest), which is left empty; hold_until: in seconds from now."""

    generation: int
    tally: Tally
    learned: Learned | None


@dataclass(frozen=True, slots=True)
class Beat:
    """A worker process lives. standings: of its tenants, by number. Answered by Orders; from the moment it
    was sent, the worker may go on for the lease. See `beat_every`."""

    host: str
    run: str
    key: str = field(repr=False)
    standings: Mapping[int, Standing]


@dataclass(frozen=True, slots=True)
class Orders:
    """stop: read and send nothing more, what is in flight may end. cut: end at once. gone: of the tenants in
    the Beat, those that are no longer this worker's, by number and generation."""

    stop: bool = False
    cut: bool = False
    gone: frozenset[tuple[int, int]] = frozenset()


def beat_every(lease: float) -> float:
    """Seconds from one Beat of a worker to the next."""
    return min(lease / 4, BEAT_AT_LEAST)


def packed(message: object) -> bytes:
    """A question or an answer, as it goes over the line."""
    return pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)


def unpacked(payload: bytes) -> object:
    """The question or the answer; only of those who are known, for it can run anything."""
    return pickle.loads(payload)  # noqa: S301 (of a worker with the key, or of the coordinator)

"""`run --workers` and `--cluster`: where the tenants of a run are run. Dask is imported for these alone."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bulkexo.connection import Auth
from bulkexo.model import UsageError
from bulkexo.net.identity import way
from bulkexo.options import Options

if TYPE_CHECKING:
    from bulkexo.job import Checked, Job
    from bulkexo.spread import Spread
    from bulkexo.tenancy import Place

PEOPLE = (Auth.BROWSER, Auth.DEVICE_CODE)


def require_spread(options: Options) -> None:
    """Before anything is sent: that what was asked of workers can be done. Raises UsageError."""
    if options.workers is not None and options.cluster is not None:
        raise UsageError(
            "--workers starts processes here, --cluster uses those of a cluster: give one of them."
        )
    if importlib.util.find_spec("distributed") is None:
        raise UsageError('--workers and --cluster need Dask: pip install "bulkexo[cluster]"')
    if options.cluster_listen is not None and options.cluster is None:
        raise UsageError("--cluster-listen is of a cluster on other machines: give --cluster too.")
    if options.worker_sign_in == "worker" and options.sandbox:
        raise UsageError("In the sandbox workers cannot sign in themselves: leave out --worker-sign-in.")


@asynccontextmanager
async def spread(
    options: Options, job: Job, checked: Checked, at: Sequence[Place], note: Callable[[str], None]
) -> AsyncIterator[Spread | None]:
    """Where the tenants of a run are run, while the block lasts; None for this process. Raises UsageError."""
    if options.workers is None and options.cluster is None:
        yield None
        return
    from bulkexo.cluster.coordinator import Coordinator
    from bulkexo.cluster.distant import Terms
    from bulkexo.cluster.engine import existing, local
    from bulkexo.cluster.messages import SignIn

    sign_in = SignIn(options.worker_sign_in)
    _look_at(options, at, note)
    before = "plan" if job.planned else "unchanged" if options.skip_unchanged else ""
    terms = Terms(
        lease=options.worker_timeout,
        sign_in=sign_in,
        items=checked.tenants,
        steps=job.steps,
        before=before or ("keep" if options.keep_before else ""),
    )
    engine = (
        local(options.workers)
        if options.workers is not None
        else existing(options.cluster or "", options.cluster_listen, note)
    )
    async with engine as dask, Coordinator(dask, terms, options.tenants_per_worker, note) as coordinator:
        yield coordinator


def _look_at(options: Options, at: Sequence[Place], note: Callable[[str], None]) -> None:
    """Say what does not go with workers. Raises UsageError."""
    if options.worker_sign_in == "worker":
        for place in at:
            if way(place.identity.connection, place.identity.secrets) in PEOPLE:
                raise UsageError(
                    f"{place.name or 'The tenant'} is signed in to by a person, who is asked here alone: "
                    "leave out --worker-sign-in."
                )
    if len(at) == 1:
        note("One process drives one tenant: workers are of use where a job has several.")
    if options.telemetry or (options.log_file is not None and options.log_level == "debug"):
        note("Requests are made by workers, and not seen here: traces and the log tell of items alone.")

"""For random directories and changes: what a plan calls no change changes nothing, what it calls one does,
and once a change was carried out, planning it again finds nothing to do. More than in every run of the tests:
BULKEXO_EXAMPLES=2000."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkexo.compare import Assessed, Change
from bulkexo.model import Failure, Item, Status
from bulkexo.plan.groups import Answer, Groups
from tests.report.directory import Tenant, different
from tests.report.test_undo_properties import CHANGES, JOBS, MAILBOXES, items_of

EXAMPLES = int(os.environ.get("BULKEXO_EXAMPLES", "50"))


def planned(tenant: Tenant, item: Item) -> Assessed:
    """What a plan says of one item."""
    groups, told = Groups(), []
    for read, key, complete in groups.of([item]):
        if complete is not None:
            told += [assessed for _, assessed in complete.assessed()]
        if read is not None:
            (outcome,) = tenant.run([read])
            for group in groups.answer(key, Answer.of(outcome)):
                told += [assessed for _, assessed in group.assessed()]
    (assessed,) = told
    return assessed


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(1, 5), history=JOBS, change=CHANGES)
def test_a_plan_tells_what_happens(seed: int, history: list[Any], change: Any) -> None:
    tenant = Tenant(seed, MAILBOXES)
    tenant.run(items_of(history))
    (item,) = items_of([change])
    before, said = tenant.holds(), planned(tenant, item)
    (ended,) = tenant.run([item])
    changed = bool(different(before, tenant.holds()))
    assert not isinstance(ended.error, Failure) or ended.status is Status.FAILED
    if said.change in (Change.NONE, Change.MISSING):
        assert not changed, (said, ended, different(before, tenant.holds()))
    elif said.change in (Change.CHANGE, Change.CREATE) and ended.status is not Status.FAILED:
        assert changed, (said, ended)
        assert planned(tenant, item).change is Change.NONE, planned(tenant, item)

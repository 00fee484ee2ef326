"""A usual batch is encoded all at once: the bytes are those of its calls, encoded one by one."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.wire import Call, Service, pack
from bulkexo.wire.batch import BETWEEN, _of_a_kind, _one_by_one

SERVICE = Service("https://outlook.office365.com", "tenant", "anchor", "run")
TEXTS = st.one_of(st.text(), st.sampled_from([BETWEEN, f'","{BETWEEN}","', '"},{"', ""]))
PLAIN = st.one_of(TEXTS, st.booleans(), st.none(), st.integers(-(2**63), 2**63 - 1))
VALUES = st.one_of(PLAIN, st.lists(TEXTS, max_size=3), st.dictionaries(TEXTS, TEXTS, max_size=2))
CALLS = st.builds(
    Call,
    request_id=TEXTS,
    cmdlet=st.sampled_from(["Set-Mailbox", "Set-Mailbox", "Set-Mailbox", "Remove-Mailbox"]),
    parameters=st.dictionaries(st.sampled_from(["Identity", "A", "UseCustomRouting"]), VALUES, max_size=3),
)


@given(st.lists(CALLS, min_size=2, max_size=10))
def test_whatever_is_in_it(calls: Sequence[Call]) -> None:
    slowly = _one_by_one(SERVICE, calls, "token", None)
    assert _of_a_kind(SERVICE, calls, "token") in (slowly, None)
    packed = pack(SERVICE, calls, "token")
    assert packed.body == b'{"requests":[%b]}' % slowly
    ids = [each["headers"]["client-request-id"] for each in orjson.loads(packed.body)["requests"]]
    assert ids == [call.request_id for call in calls]


@given(st.lists(st.text(), min_size=2, max_size=10))
def test_plain_values_take_the_quick_way(texts: Sequence[str]) -> None:
    calls = [Call("id", "Set-Mailbox", {"Identity": text.replace(BETWEEN, "")}) for text in texts]
    assert _of_a_kind(SERVICE, calls, "token") == _one_by_one(SERVICE, calls, "token", None)

"""Whatever comes in, the sandbox answers: no input makes it stumble."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.sandbox.batch import Batch, as_json, as_multipart, parse_batch
from bulkexo.sandbox.parameters import load
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.request import Envelope, parse_body, parse_call, parse_url
from tests.sandbox.helpers import Bench

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
)
KNOWN = st.sampled_from(
    [
        "mailbox3@contoso.onmicrosoft.com",
        "group1@contoso.onmicrosoft.com",
        "Unlimited",
        "FullAccess",
        "a@contoso.com",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | KNOWN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Add", "Remove", "x"]), inner, max_size=2)
        | st.dictionaries(st.sampled_from(["Add", "Remove"]), inner, max_size=2).map(
            lambda found: {"@odata.type": "#Exchange.GenericHashTable", **found}
        )
    ),
    max_leaves=6,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "url", "method", "headers", "body", "CmdletInput", "CmdletName", "Parameters"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
SIGNATURES = load()
BENCH = Bench()


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    signature = SIGNATURES[draw(st.sampled_from(sorted(SIGNATURES)))]
    names = draw(st.lists(st.sampled_from([*signature.types, "Identity"]), unique=True, max_size=5))
    parameters = {name: draw(VALUES) for name in names}
    if "Identity" in signature.types and draw(st.booleans()):
        parameters["Identity"] = draw(KNOWN)
    return signature.cmdlet, parameters


@settings(max_examples=400, deadline=None)
@given(calls())
def test_any_parameters_get_an_answer(call: tuple[str, dict[str, Any]]) -> None:
    reply = BENCH(call[0], **call[1])
    assert reply.status in {200, 400, 404}
    assert orjson.loads(reply.encoded())


@settings(deadline=None)
@given(JSON, st.text(max_size=30))
def test_any_body_is_read_or_refused(body: Any, url: str) -> None:
    for read in (
        parse_call("1", "/adminapi/beta/t/InvokeCommand", Envelope("https://h"), {}, body),
        parse_url(url),
    ):
        assert not isinstance(read, Reply) or read.status in {400, 404}


@settings(deadline=None)
@given(st.lists(JSON, max_size=11))
def test_any_batch_is_read_or_refused(requests: list[Any]) -> None:
    batch = parse_batch({"requests": requests}, "", Envelope("https://h"), lambda _url, _token: None)
    if isinstance(batch, Batch):
        refused = [(identifier, item) for identifier, item in batch.items if isinstance(item, Reply)]
        assert len(orjson.loads(as_json(refused))["responses"]) == len(refused)
        assert as_multipart(refused, "b").endswith(b"--b--\r\n")


@given(
    st.binary(max_size=60),
    st.sampled_from(["application/json", "application/json;charset=utf-8", "text/html"]),
)
def test_any_bytes_are_read_or_refused(content: bytes, content_type: str) -> None:
    assert isinstance(parse_body(content, content_type), (dict, Reply))

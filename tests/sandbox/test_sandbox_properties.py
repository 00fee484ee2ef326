"""Whatever comes in, the sandbox answers: no input makes it stumble."""

from __future__ import annotations

import base64
from typing import Any
from xml.etree import ElementTree

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.sandbox.batch import Batch, as_json, as_multipart, parse_batch
from bulkexo.sandbox.clixml import document
from bulkexo.sandbox.errors import CmdletError
from bulkexo.sandbox.keys import Keys
from bulkexo.sandbox.odata import opath, parse_question
from bulkexo.sandbox.opath import compile_filter
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


KEYS = Keys(None)


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


PATHS = st.text("Mailbox('/)=%27;.é\"\\x00", max_size=40) | st.text(max_size=20)


@given(
    PATHS, st.sampled_from(["", "IsEncoded=True", "$skiptoken=x&isencoded=true&$top=-1", "%zz&=&&"]), PATHS
)
def test_any_path_of_a_get_is_read_or_refused(path: str, query: str, identity: str) -> None:
    headers = {"xparameter-identity": identity}
    for flags in ("", "&ReadIdsAndParamsFromHeaders=True"):
        question = parse_question("https://h", path, query + flags, headers)
        assert question is None or question.steps or not path.strip("/")


@given(st.text("Department eq'(),-$and or not\"*", max_size=60) | st.text(max_size=30))
def test_any_filter_of_a_get_becomes_one_that_is_read_or_refused(text: str) -> None:
    try:
        compile_filter(opath(text))
    except CmdletError as error:
        assert error.status == 400


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=5))
def test_any_object_has_its_clixml(row: dict[str, Any]) -> None:
    ElementTree.fromstring(document(row).encode("utf-8"))


SEALED = st.binary(min_size=256, max_size=256).map(lambda raw: base64.b64encode(raw).decode())


@settings(deadline=None)
@given(st.text(max_size=40) | SEALED)
def test_any_text_is_no_secret_of_ours(text: str) -> None:
    assert KEYS.unseal(text, 0.0) is None


@given(
    st.binary(max_size=60),
    st.sampled_from(["application/json", "application/json;charset=utf-8", "text/html"]),
)
def test_any_bytes_are_read_or_refused(content: bytes, content_type: str) -> None:
    assert isinstance(parse_body(content, content_type), (dict, Reply))

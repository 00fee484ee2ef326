"""Errors as sentences: the forms that the service writes them in, and what is told apart in each."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from bulkexo.model import Failure
from bulkexo.wire.errors import TEXT_LIMIT, explain, failure, last_part, split

NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
PROXY = "Microsoft.Exchange.Configuration.CmdletProxyException"
SENTENCE = "The operation couldn't be performed because object 'x@y.z' couldn't be found on 'DC'."


def error(*details: Any, **more: Any) -> dict[str, Any]:
    return {"error": {"code": "NotFound", "message": "Error executing cmdlet", "details": [*details], **more}}


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        (f"Ex6F9304|{NOT_FOUND}|{SENTENCE}", NOT_FOUND, SENTENCE),
        (f"|{NOT_FOUND}|{SENTENCE}", NOT_FOUND, SENTENCE),
        (f"{NOT_FOUND}|{SENTENCE}", NOT_FOUND, SENTENCE),
        (f" Ex6F9304 | {NOT_FOUND} | {SENTENCE} ", NOT_FOUND, SENTENCE),
        (f"0x123|{NOT_FOUND}|{SENTENCE}", NOT_FOUND, SENTENCE),
        ("ExB10BE9|BareException|text", "BareException", "text"),
        ("BareException|text", "BareException", "text"),
        ("Ex123456|Some.Type.WithoutTheSuffix|text", "Some.Type.WithoutTheSuffix", "text"),
        (f"Ex1|{NOT_FOUND}|values a|b|c are wrong", NOT_FOUND, "values a|b|c are wrong"),
        (f"|{NOT_FOUND}|", NOT_FOUND, ""),
        (f"{NOT_FOUND}|a|b", NOT_FOUND, "a|b"),
        ("||text", "", "text"),
        ("Ex6F9304||text", "", "text"),
        ("Ex6F9304|the text alone", "", "the text alone"),
        ("|the text alone", "", "the text alone"),
        ("the value a|b|c is wrong", "", "the value a|b|c is wrong"),
        ("contoso.com|fabrikam.com are not accepted", "", "contoso.com|fabrikam.com are not accepted"),
        ("Read|Write|Owner", "", "Read|Write|Owner"),
        ("plain text", "", "plain text"),
        ("an Exception|with a space before", "", "an Exception|with a space before"),
        ("", "", ""),
        ("|", "", ""),
    ],
)
def test_id_type_text(message: str, kind: str, text: str) -> None:
    assert split(message) == (kind, text)


@pytest.mark.parametrize(
    ("inner", "kind", "text"),
    [
        (
            {"ClassName": NOT_FOUND, "Message": "raw", "localizedString": "for people"},
            NOT_FOUND,
            "for people",
        ),
        ({"ClassName": NOT_FOUND, "Message": "raw", "localizedString": None}, NOT_FOUND, "raw"),
        ({"Message": SENTENCE, "TypeName": NOT_FOUND}, NOT_FOUND, SENTENCE),
        ({"Message": f"Ex1|{NOT_FOUND}|{SENTENCE}", "TypeName": "Outer"}, NOT_FOUND, SENTENCE),
        ({"Message": "a|b", "TypeName": NOT_FOUND}, NOT_FOUND, "a|b"),
        (error({"message": f"Ex1|{NOT_FOUND}|{SENTENCE}"}), NOT_FOUND, SENTENCE),
    ],
)
@pytest.mark.parametrize("space", ["", " \n"])
def test_json_in_two_forms(inner: dict[str, Any], kind: str, text: str, space: str) -> None:
    assert split(space + orjson.dumps(inner).decode()) == (kind, text)


@pytest.mark.parametrize("message", ["{not json", "{}", '{"a": 1}', '{"Message": 5}', "[1]", '{"error": 1}'])
def test_braces_that_hold_no_error_are_text(message: str) -> None:
    assert split(message) == ("", message)


COMMAND = "Error on proxy command 'Set-Mailbox -Identity:'x' -EmailAddresses:@{ \"Add\"=\"y\"}' to server S: "
BARE = {
    "code": "NotFound",
    "message": "Error executing cmdlet",
    "details": [{"message": f"Ex1|{NOT_FOUND}|s"}],
}


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        (orjson.dumps({"error": BARE}).decode(), NOT_FOUND, "s"),
        (f"{COMMAND}{orjson.dumps(BARE).decode()}", NOT_FOUND, "s"),
        (f"{COMMAND}NotFound: {orjson.dumps(BARE).decode()} [Server=S,RequestId=r] .", NOT_FOUND, "s"),
        (f'{COMMAND}\n{{ "Message": "s", "TypeName": "{NOT_FOUND}" }}..', NOT_FOUND, "s"),
        (f"{COMMAND}Cmdlet error with following error message:\n\n{NOT_FOUND}: s", NOT_FOUND, "s"),
        (f"{COMMAND}no more is known", PROXY, f"{COMMAND}no more is known"),
        ("{broken", PROXY, "{broken"),
        ("}{", PROXY, "}{"),
    ],
)
def test_a_proxy_error_carries_the_true_one(text: str, kind: str, sentence: str) -> None:
    assert split(f"|{PROXY}|{text}") == (kind, sentence)
    assert split(f"Ex123ABC|{PROXY}|{text}") == (kind, sentence)


def test_a_proxy_error_in_a_proxy_error() -> None:
    inner = orjson.dumps({"error": {"details": [{"message": f"|{NOT_FOUND}|s"}]}}).decode()
    middle = orjson.dumps({"error": {"details": [{"message": f"|{PROXY}|{inner}"}]}}).decode()
    assert split(f"|{PROXY}|{middle}") == (NOT_FOUND, "s")


def test_a_whole_error() -> None:
    body = error({"code": "Client", "target": "x@y.z", "message": f"Ex6F9304|{NOT_FOUND}|{SENTENCE}"})
    assert failure(404, {}, body, "Get-X") == Failure("NotFound", NOT_FOUND, SENTENCE, "x@y.z")


INTERNAL = {"internalexception": {"message": "deep", "type": "A.DeepException"}, "type": "A.OuterException"}


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (error({"message": "s"}, innererror=INTERNAL), "A.DeepException", "s"),
        (error(innererror=INTERNAL), "A.DeepException", "deep"),
        (error({"message": ""}, innererror=INTERNAL), "A.DeepException", "deep"),
        (error({"message": f"Ex1|{NOT_FOUND}|"}, innererror=INTERNAL), NOT_FOUND, "deep"),
        (error({"message": None}, innererror={"type": "A.B"}), "A.B", "Error executing cmdlet"),
        (error(None, innererror=None), "", "Error executing cmdlet"),
        ({"error": {"message": f"|{NOT_FOUND}|s"}}, NOT_FOUND, "s"),
        ({"error": {"details": "odd", "message": "m"}}, "", "m"),
        ({"error": "in a word"}, "", "in a word"),
        ({"Message": "Authorization has been denied."}, "", "Authorization has been denied."),
        ({"message": "as APIs say it"}, "", "as APIs say it"),
    ],
)
def test_where_the_sentence_stands(body: Any, kind: str, message: str) -> None:
    told = failure(400, {}, body, "Get-X")
    assert (told.type, told.message) == (kind, message)


def test_the_headers_type_counts_where_the_body_has_none() -> None:
    headers = {"x-exceptiontype": "A.HeaderException"}
    assert failure(500, headers, "plain", "Get-X").type == "A.HeaderException"
    assert failure(500, headers, error({"message": "s"}, innererror=INTERNAL), "Get-X").type == (
        "A.HeaderException"
    )
    assert failure(500, headers, error({"message": f"|{NOT_FOUND}|s"}), "Get-X").type == NOT_FOUND


@pytest.mark.parametrize("body", ["", None, {}, [], 5, {"error": {}}, {"error": None}, "\0\0"])
@pytest.mark.parametrize("status", [400, 403, 405, 500])
def test_a_status_without_a_word_is_told_in_words(status: int, body: Any) -> None:
    told = failure(status, {}, body, "Get-Secret")
    assert told == Failure(f"bulkexo:http-{status}", "", explain(status, "Get-Secret"))


@pytest.mark.parametrize(
    ("status", "word"), [(403, "Get-Secret"), (403, "roles"), (405, "version"), (418, "418")]
)
def test_what_the_words_say(status: int, word: str) -> None:
    assert word in explain(status, "Get-Secret")


def test_plain_text_and_html_become_one_line() -> None:
    assert failure(429, {}, " Too\r\n many ", "x").message == "Too many"
    page = failure(502, {}, "<html>\n<h1>Bad gateway</h1>" + "x" * 1000, "x").message
    assert page.startswith("The reply was: <html> <h1>Bad gateway</h1>")
    assert len(page) < 400


@pytest.mark.parametrize("body", ["y" * 99999, error({"message": "y" * 99999})])
def test_a_message_has_an_end(body: Any) -> None:
    assert len(failure(500, {}, body, "x").message) == TEXT_LIMIT


def test_types_are_told_apart_by_their_last_part() -> None:
    assert last_part(NOT_FOUND) == "ManagementObjectNotFoundException"
    assert last_part("BareException") == "BareException"
    assert last_part("") == ""

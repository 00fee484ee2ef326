"""Secrets: which texts they are, and that nothing that is written holds them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.model import Item, Value
from bulkexo.redact import blot, cut_off, disguises, secret_texts


def item(parameters: Mapping[str, Value], *secrets: str) -> Item:
    return Item(1, 1, "New-Mailbox", "ada", parameters, {}, frozenset(secrets))


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("abc", ["abc"]),
        ("", []),
        (None, []),
        (True, []),
        (1234, ["1234"]),
        (["a", "bb", "ccc"], ["ccc", "bb", "a"]),
        ({"Add": ["a1"], "Remove": {"X": "b22"}}, ["b22", "a1"]),
        (("tuple",), ["tuple"]),
    ],
)
def test_texts_of_a_secret(value: Value, texts: list[str]) -> None:
    found = secret_texts(item({"Password": value, "Name": "other"}, "Password", "Absent"))
    assert found == sorted(disguises(texts), key=len, reverse=True)
    assert set(texts) <= set(found)


def test_the_longer_of_two_secrets_is_blotted_first() -> None:
    secrets = secret_texts(item({"A": "pass", "B": "password1"}, "A", "B"))
    assert blot("my password1", secrets) == "my ***"


@pytest.mark.parametrize(
    ("value", "blotted"),
    [
        ("no", "no"),
        ("a SECRET b SECRET", "a *** b ***"),
        (["SECRET", 5, None, True], ["***", 5, None, True]),
        ({"A": {"B": ["xSECRETx"]}}, {"A": {"B": ["x***x"]}}),
        (77, "***"),
        ({"A": [77, 78, 77.5]}, {"A": ["***", 78, 77.5]}),
    ],
)
def test_blot(value: object, blotted: object) -> None:
    assert blot(value, ["SECRET", "77"]) == blotted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("AB"), inner),
)


@given(JSON, st.text(min_size=1).filter(lambda text: "*" not in text))
def test_no_text_is_left_at_any_depth(value: object, secret: str) -> None:
    blotted = blot({"found": [secret + "tail", value]}, [secret])
    assert not [text for text in _texts(blotted) if secret in text]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for member in value.values() for text in _texts(member)]
    if isinstance(value, list):
        return [text for member in value for text in _texts(member)]
    return []


@pytest.mark.parametrize(
    ("secret", "quoted"),
    [
        ('a "b" \\ c', r"a \"b\" \\ c"),
        ("längs ß", r"l\u00e4ngs \u00df"),
        ("it's <1> & +", r"it\u0027s \u003C1\u003E \u0026 \u002B"),
        ("a b&c/ü", "a%20b%26c%2F%C3%BC"),
        ("a b&c/ü", "a+b%26c%2f%c3%bc"),
        ("a b&c/ü", "a%20b%26c/%C3%BC"),
        ("<a&b>", "&lt;a&amp;b&gt;"),
        ('"a\'b"', "&quot;a&#x27;b&quot;"),
        ("it's", "it''s"),
        ("Tr0ub4dor&3", "VHIwdWI0ZG9yJjM"),
        ("Tr0ub4dor&3", "VAByADAAdQBiADQAZABvAHIAJgAzAA"),
        ("\U0001f600emoji", r"\uD83D\uDE00emoji"),
    ],
)
def test_a_secret_is_known_in_disguise(secret: str, quoted: str) -> None:
    assert blot(f"<{quoted}>", disguises([secret])) == "<***>"


@given(st.text(min_size=1))
def test_any_text_has_forms(text: str) -> None:
    assert text in disguises([text])
    assert "" not in disguises([text])


def test_short_words_are_looked_for_as_they_are() -> None:
    assert disguises(["no"]) == ["no"]


@pytest.mark.parametrize(
    ("text", "left"),
    [("so it ends: Tr0ub", "so it ends: "), ("Tr0ub4dor&3 and more", "Tr0ub4dor&3 and more")],
)
def test_a_text_that_was_cut_ends_before_a_secret(text: str, left: str) -> None:
    assert cut_off(text, ["Tr0ub4dor&3"]) == left


def test_names_of_members_are_texts_too() -> None:
    assert blot({"SECRET": 1}, ["SECRET"]) == {"***": 1}

"""Secrets: which texts they are, and that nothing that is written holds them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.model import Item, Value
from bulkexo.redact import blot, secret_texts


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
    assert secret_texts(item({"Password": value, "Name": "other"}, "Password", "Absent")) == texts


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

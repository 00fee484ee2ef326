"""PowerShell literals: what people write in cells, and what is refused with its position."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.job.literal import LiteralError, parse
from bulkexo.model import Value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@{}", {}),
        ("@()", []),
        ("@{Add='a'}", {"Add": "a"}),
        ("@{ Add = 'a' , 'b' ; Remove = \"c\" }", {"Add": ["a", "b"], "Remove": "c"}),
        ("@{Add='a';}", {"Add": "a"}),
        ("@{\r\n  Add = 'a'\r\n  Remove = @('b'\n'c')\r\n}", {"Add": "a", "Remove": ["b", "c"]}),
        ("@{'Add' = 1; \"b\" = -2.5}", {"Add": 1, "b": -2.5}),
        ("@{a=$true;b=$FALSE;c=$null}", {"a": True, "b": False, "c": None}),
        ("@{a=@{b=@('c')}}", {"a": {"b": ["c"]}}),
        ("@('a')", ["a"]),
        ("@('a';'b')", ["a", "b"]),
        ("@(@('a'))", ["a"]),
        ("@(@('a'),@('b'))", [["a"], ["b"]]),
        ("@{a=@('b')}", {"a": ["b"]}),
        ('@(\'it\'\'s\', "a ""b"" c")', ["it's", 'a "b" c']),
        ('@("a`tb`"c`$d``e`n`0`q")', ['a\tb"c$d`e\n\0q']),
        ("@('a`b $x')", ["a`b $x"]),
        ('@("5 $", "$ 5", "a$")', ["5 $", "$ 5", "a$"]),
        ("@('line\nbreak')", ["line\nbreak"]),
        ("  @('ß👩‍💻')  \n", ["ß👩‍💻"]),
    ],
)
def test_constants_are_read(text: str, value: Value) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "position", "what"),
    [
        ("@{", 1, "never closed with }"),
        ("@{Add='a'", 1, "never closed with }"),
        ("@('a',", 7, "ends too early"),
        ("@('a'", 1, "never closed with )"),
        ("@{Add='a", 7, "quote is never closed"),
        ('@{Add="a', 7, "quote is never closed"),
        ("@{Add=a}", 7, "text has to stand in quotes"),
        ("@{Add=$x}", 7, "Variables"),
        ("@{Add=$(Get-Mailbox)}", 7, "Variables"),
        ('@{Add="a $x"}', 10, "Variables"),
        ('@("$(1)")', 4, "Variables"),
        ('@("${x}")', 4, "Variables"),
        ("@{Add}", 6, "= is expected"),
        ("@{='a'}", 3, "name of a key"),
        ("@{a-b='a'}", 3, "name of a key"),
        ("@{Add='a' 'b'}", 11, "comma, a semicolon or }"),
        ("@{Add='a';add='b'}", 11, "given twice"),
        ("@('a')x", 7, "after the end"),
        ("@(007)", 3, "text has to stand in quotes"),
        ("@(1x)", 3, "text has to stand in quotes"),
        ("@(99999999999999999999)", 3, "too long"),
        ("@(0.12345678901234567890)", 3, "too long"),
        ("@(1..5)", 3, "text has to stand in quotes"),
        ("@([string]'a')", 3, "text has to stand in quotes"),
        ("@('a' + 'b')", 7, "comma, a semicolon or )"),
        ("@(,'a')", 3, "text has to stand in quotes"),
        ("@(‘a’)", 3, "text has to stand in quotes"),
        ('@("`u{1F600}")', 4, "write the character itself"),
        ("@(" * 40 + ")" * 40, 67, "deeper than 32"),
    ],
)
def test_all_else_is_refused_where_it_stands(text: str, position: int, what: str) -> None:
    with pytest.raises(LiteralError) as caught:
        parse(text)
    assert what in caught.value.what
    assert caught.value.position == position
    assert caught.value.what.endswith(".")


def write(value: Value) -> str:
    """The literal of a value, as a careful person would write it."""
    if isinstance(value, dict):
        return "@{" + "; ".join(f"{name!s} = {write(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "@(" + ",".join(map(write, value)) + ")"
    if value is None or isinstance(value, bool):
        return {None: "$null", True: "$true", False: "$false"}[value]
    if isinstance(value, str) and len(value) % 2:
        return '"' + value.replace("`", "``").replace('"', '""').replace("$", "`$") + '"'
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


_KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
_LEAVES = st.none() | st.booleans() | st.text() | st.integers(-(2**62), 2**62)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4).filter(lambda items: not (len(items) == 1 and isinstance(items[0], list)))
        | st.dictionaries(_KEYS, inner, max_size=4).filter(
            lambda table: len({k.lower() for k in table}) == len(table)
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.lists(_VALUES, min_size=2) | st.dictionaries(st.just("Add"), _VALUES))
def test_what_is_written_is_read(value: Value) -> None:
    assert parse(write(value)) == value


@settings(deadline=None)
@given(st.sampled_from(["@{", "@("]), st.text(alphabet="@{}()'\"`$;,=ab1.- \n") | st.text())
def test_any_text_is_a_value_or_an_error_with_a_position(start: str, text: str) -> None:
    try:
        parse(start + text)
    except LiteralError as error:
        assert 1 <= error.position <= len(start + text) + 1

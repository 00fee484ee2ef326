"""Filters of Get- cmdlets: `Department -eq 'Sales' -and (DisplayName -like 'A*' -or Office -ne $null)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from typing import Any

from bulkexo.sandbox import errors

Lookup = Callable[[str], Any]
"""From a property's name (any case) to its value."""
Test = Callable[[Lookup], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<text>'(?:[^']|'')*'|\"[^\"]*\")"
    r"|(?P<op>-[A-Za-z]+)|(?P<word>[^\s()'\"]+))"
)
_COMPARISONS = {"-eq", "-ne", "-like", "-notlike", "-gt", "-ge", "-lt", "-le"}


def compile_filter(text: str) -> Test:
    """The filter as a function. Raises CmdletError with the place where it cannot be read."""
    tokens = list(_tokens(text))
    parser = _Parser(tokens, text)
    test = parser.alternatives()
    if parser.position != len(tokens):
        raise _invalid(text)
    return test


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _invalid(text)
        yield match.lastgroup, match[match.lastgroup]
        position = match.end()


def _invalid(text: str) -> errors.CmdletError:
    return errors.transformation(
        "Filter", f'Invalid filter syntax. For a description of the filter: "{text}".'
    )


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self.position = 0

    def alternatives(self) -> Test:
        tests = [self._conjunction()]
        while self._next_is("-or"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda lookup: any(test(lookup) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._term()]
        while self._next_is("-and"):
            tests.append(self._term())
        return tests[0] if len(tests) == 1 else lambda lookup: all(test(lookup) for test in tests)

    def _term(self) -> Test:
        if self._next_is("-not"):
            test = self._term()
            return lambda lookup: not test(lookup)
        if self._next_is("("):
            inner = self.alternatives()
            if not self._next_is(")"):
                raise _invalid(self._text)
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        (_, name), (_, operator), (kind, operand) = (
            self._take("word"),
            self._take("op"),
            self._take("text", "word"),
        )
        if operator.lower() not in _COMPARISONS:
            raise _invalid(self._text)
        value = operand[1:-1].replace("''", "'") if kind == "text" else operand
        null = value.lower() == "$null"
        if value.lower() in {"$true", "$false"}:
            value = value[1:]
        matches = _matcher(operator.lower().removeprefix("-not").lstrip("-"), "" if null else value)
        negative = operator.lower() in {"-ne", "-notlike"}
        return lambda lookup: matches(lookup(name)) != negative

    def _next_is(self, word: str) -> bool:
        if self.position < len(self._tokens) and self._tokens[self.position][1].lower() == word:
            self.position += 1
            return True
        return False

    def _take(self, *kinds: str) -> tuple[str, str]:
        if self.position == len(self._tokens) or self._tokens[self.position][0] not in kinds:
            raise _invalid(self._text)
        self.position += 1
        return self._tokens[self.position - 1]


def _matcher(operator: str, wanted: str) -> Callable[[Any], bool]:
    wanted = wanted.casefold()
    if operator == "like":
        pattern = re.compile(translate(wanted.replace("[", "[[]")))
        return lambda value: any(pattern.match(text) for text in _texts(value))
    if operator in {"eq", "ne"}:
        return lambda value: wanted in (_texts(value) or [""])
    orders: dict[str, Callable[[str], bool]] = {
        "gt": lambda text: text > wanted,
        "ge": lambda text: text >= wanted,
        "lt": lambda text: text < wanted,
        "le": lambda text: text <= wanted,
    }
    return lambda value: any(orders[operator](text) for text in _texts(value))


def _texts(value: Any) -> list[str]:
    if value is None:
        return [""]
    return [str(item).casefold() for item in value] if isinstance(value, list) else [str(value).casefold()]

"""PowerShell literals in a cell: `@{Add='a','b';Remove='c'}` and `@('a','b')`, as people write them.

Only what is a constant: nothing is ever evaluated. Variables, `$(...)`, casts and commands are refused.
"""

from __future__ import annotations

import re

from bulkexo.model import Value

DEPTH = 32
"""Levels of hashtables and arrays that a value may have."""

_SPACE = re.compile(r"[ \t]*")
_BREAK = re.compile(r"[ \t\r\n]*")
_SEPARATOR = re.compile(r"[ \t]*(?:[;\r\n][ \t\r\n;]*)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?![\w.-])")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(?![\w.])")
_CONSTANT = re.compile(r"\$(true|false|null)(?![\w:])", re.IGNORECASE)
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_PLAIN = re.compile(r'[^"`$]*')
_VARIABLE = re.compile(r"\$[\w({?^$:]")
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
}


class LiteralError(ValueError):
    """A literal that cannot be read. position: character of the cell, from 1. what: a sentence."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(what)
        self.position = position
        self.what = what


def parse(text: str) -> Value:
    """The value of a cell that begins with `@{` or `@(`; raises LiteralError."""
    reader = _Reader(text)
    value = reader.value(0)
    reader.skip(_BREAK)
    if reader.at < len(text):
        raise reader.error("There is something after the end of the literal.")
    return value


class _Reader:
    """A place in the text, and a method for each thing that can stand there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.skip(_BREAK)

    def error(self, what: str, at: int | None = None) -> LiteralError:
        return LiteralError((self.at if at is None else at) + 1, what)

    def skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return bool(found)

    def take(self, token: str) -> bool:
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def value(self, depth: int) -> Value:
        if depth > DEPTH:
            raise self.error(f"Hashtables and arrays go deeper than {DEPTH} levels.")
        if self.take("@{"):
            return self.table(depth)
        if self.take("@("):
            return self.array(depth)
        if self.text.startswith(("'", '"'), self.at):
            return self.quoted()
        return self.bare()

    def bare(self) -> Value:
        constant = _CONSTANT.match(self.text, self.at)
        if constant:
            self.at = constant.end()
            return _CONSTANTS[constant.group(1).lower()]
        number = _NUMBER.match(self.text, self.at)
        if number:
            return self.number(number)
        if self.at >= len(self.text):
            raise self.error("The literal ends too early.")
        if self.text[self.at] == "$":
            raise self.error("Variables and $(...) cannot be used in a job.")
        raise self.error("A value is expected here, and text has to stand in quotes.")

    def number(self, found: re.Match[str]) -> Value:
        if found.group(1):
            value: int | float = float(found.group())
            fits = len(found.group()) <= 17
        else:
            fits = len(found.group()) <= 20 and abs(int(found.group())) < 1 << 63
            value = int(found.group()) if fits else 0
        if not fits:
            raise self.error("This number is too long to be kept exactly; put it in quotes.")
        self.at = found.end()
        return value

    def table(self, depth: int) -> Value:
        start = self.at - 2
        table: dict[str, Value] = {}
        names: set[str] = set()
        self.skip(_BREAK)
        while not self.take("}"):
            if self.at >= len(self.text):
                raise self.error("This @{ is never closed with }.", start)
            at, name = self.at, self.key()
            if name.lower() in names:
                raise self.error(f"The key {name} is given twice.", at)
            names.add(name.lower())
            self.skip(_SPACE)
            if not self.take("="):
                raise self.error("An = is expected here, between key and value.")
            self.skip(_BREAK)
            items = self.items(depth + 1)
            table[name] = items[0] if len(items) == 1 else items
            self.separated("}", start)
        return table

    def key(self) -> str:
        if self.text.startswith(("'", '"'), self.at):
            return self.quoted()
        at = self.at
        if not self.skip(_WORD):
            raise self.error("The name of a key is expected here.")
        return self.text[at : self.at]

    def array(self, depth: int) -> Value:
        start = self.at - 2
        array: list[Value] = []
        self.skip(_BREAK)
        while not self.take(")"):
            if self.at >= len(self.text):
                raise self.error("This @( is never closed with ).", start)
            items = self.items(depth + 1)
            only = items[0]  # PowerShell takes a lone array apart: @(@('a')) is @('a')
            array.extend(only if len(items) == 1 and isinstance(only, list) else items)
            self.separated(")", start)
        return array

    def items(self, depth: int) -> list[Value]:
        items = [self.value(depth)]
        while True:
            self.skip(_SPACE)
            if not self.take(","):
                return items
            self.skip(_BREAK)
            items.append(self.value(depth))

    def separated(self, end: str, start: int) -> None:
        if self.skip(_SEPARATOR) or self.text.startswith(end, self.at):
            return
        if self.at >= len(self.text):
            raise self.error(f"This @{self.text[start + 1]} is never closed with {end}.", start)
        raise self.error(f"A comma, a semicolon or {end} is expected here.")

    def quoted(self) -> str:
        start = self.at
        if self.text[start] == "'":
            found = _SINGLE.match(self.text, start)
            if not found:
                raise self.error("This quote is never closed.", start)
            self.at = found.end()
            return found.group(1).replace("''", "'")
        self.at += 1
        parts: list[str] = []
        while True:
            at = self.at
            self.skip(_PLAIN)
            parts.append(self.text[at : self.at])
            if self.at >= len(self.text):
                raise self.error("This quote is never closed.", start)
            if self.take('""'):
                parts.append('"')
            elif self.take('"'):
                return "".join(parts)
            else:
                parts.append(self.special())

    def special(self) -> str:
        if self.take("`"):
            following = self.text[self.at : self.at + 1]
            if self.text.startswith("u{", self.at):
                raise self.error("`u{...} cannot be used in a job; write the character itself.", self.at - 1)
            self.at += 1
            return _ESCAPES.get(following, following)
        if _VARIABLE.match(self.text, self.at):
            raise self.error("Variables and $(...) cannot be used in a job; for a dollar write `$.")
        self.at += 1
        return "$"

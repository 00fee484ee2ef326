"""Conditions of steps, `when:` (docs/job-files.md): a small language, parsed here and never run as code.

    or    = and {"or" and}
    and   = not {"and" not}
    not   = "not" not | test
    test  = value [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in") value]
    value = text | number | "true" | "false" | "null" | list | path | call | "(" or ")"
    list  = "[" [value {"," value}] "]"
    path  = "steps" "." step {"." member | "[" number "]"}  |  "row" ("." column | "[" text "]")
    call  = ("succeeded" | "failed" | "skipped" | "count") "(" step ")"

Values compare as PowerShell and Exchange's loose replies want it: text without case, the text "False" as
false, "5" as 5. What an object does not have is null.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from bulkexo.job.paths import Missing, Ref
from bulkexo.model import Cells, Earlier, Status, UnboundError, Value

LONGEST: Final = 2000
DEEPEST: Final = 40

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<number>-?\d{1,15}(?:\.\d{1,9})?(?![\w.]))
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,|\.)
    )""",
    re.VERBOSE | re.ASCII,
)
_CONSTANTS: Final[Mapping[str, Value]] = {"true": True, "false": False, "null": None}
_ORDERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CALLS: Final = ("succeeded", "failed", "skipped", "count")


class BadExpression(Exception):
    """It cannot be read; a sentence says what is wrong, another what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Scene:
    """What a condition is asked about: the earlier steps of a row, and its cells."""

    earlier: Earlier
    cells: Cells


Evaluate = Callable[[Scene], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition. needs: members that it names of each step, lower case. of_ends: it asks how a step ended,
    so that it alone decides, whatever has failed before."""

    text: str
    needs: Mapping[int, frozenset[str]]
    of_ends: bool
    evaluate: Evaluate

    def holds(self, earlier: Earlier, cells: Cells) -> bool:
        """Whether it is true of a row. Raises UnboundError where its values cannot be compared."""
        return truth(self.evaluate(Scene(earlier, cells)))


class Names(Protocol):
    """The columns of the rows, which may not be known before they are asked for."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def find(self, name: str) -> int | None:
        """The place of a column among `names`."""


def parse(text: str, steps: Mapping[str, int], columns: Names) -> Expression:
    """Read a condition. steps: names of the earlier ones, lower case, and their numbers. Raises
    BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression(f"The condition is longer than {LONGEST:,} characters.", "Make it shorter.")
    parser = _Parser(text, steps, columns)
    evaluate = parser.whole()
    needs = {step: frozenset(names) for step, names in parser.needs.items()}
    return Expression(text.strip(), needs, parser.of_ends, evaluate)


def truth(value: Value) -> bool:
    """Whether a value counts as true: not null, false, 0, nothing, or the text False."""
    return value.strip().lower() not in ("", "false") if isinstance(value, str) else bool(value)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same, as the module's text says it."""
    if isinstance(one, bool) or isinstance(other, bool):
        return _boolean(one) is not None and _boolean(one) == _boolean(other)
    if isinstance(one, int | float) or isinstance(other, int | float):
        return _number(one) is not None and _number(one) == _number(other)
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(same, one, other))  # type: ignore[arg-type]
    return one == other


def member(one: Value, values: Value) -> bool:
    """Whether a value is among others; null holds nothing, a single value itself."""
    if values is None:
        return False
    others: Any = values if _is_list(values) else [values]
    return any(same(one, each) for each in others)


def ordered(one: Value, sign: str, other: Value) -> bool:
    """Whether `<` and so on holds. Raises UnboundError where there is no order."""
    pair: tuple[Any, Any] = (_number(one), _number(other))
    if isinstance(one, str) and isinstance(other, str):
        pair = (one.casefold(), other.casefold())
    if None in pair:
        raise UnboundError(f"{_told(one)} and {_told(other).lower()} cannot be compared by {sign}.")
    return bool(_ORDERS[sign](*pair))


def _boolean(value: Value) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _number(value: Value) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d+)?", value.strip(), re.ASCII):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _told(value: Value) -> str:
    """The kind of a value; the value itself may be somebody's secret."""
    if value is None:
        return "Null"
    if isinstance(value, str):
        return "A text"
    return "A list" if _is_list(value) else "A number" if _number(value) is not None else "A value"


class _Parser:
    def __init__(self, text: str, steps: Mapping[str, int], columns: Names) -> None:
        self.needs: dict[int, set[str]] = {}
        self.of_ends = False
        self._steps = steps
        self._columns = columns
        self._tokens: list[tuple[str, str]] = []
        self._depth = 0
        self._at = 0
        self._split(text.strip())

    def _split(self, text: str) -> None:
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                rest = text[at:].strip()[:20]
                remedy = "Equality is ==, and/or are words, texts stand between quotes."
                raise BadExpression(f"The condition cannot be read at {rest!r}.", remedy)
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
            at = found.end()

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, *texts: str) -> str:
        """The next sign or word if it is one of these, which is passed over; else ""."""
        kind, text = self._next()
        if kind in ("sign", "name") and text.lower() in texts:
            self._at += 1
            return text.lower()
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            self._wrong(f"{sign} is missing")

    def _wrong(self, what: str) -> NoReturn:
        text = self._next()[1]
        where = f"before {text[:20]!r}" if text else "at its end"
        remedy = "Write it like steps.look.ArchiveStatus == 'None' and steps.look.ItemCount > 0."
        raise BadExpression(f"The condition cannot be read: {what} {where}.", remedy)

    def whole(self) -> Evaluate:
        evaluate = self._or()
        if self._next()[0] != "end":
            self._wrong("and, or, or a comparison is missing")
        return evaluate

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadExpression(f"The condition goes deeper than {DEEPEST} levels.", "Make it flatter.")

    def _or(self) -> Evaluate:
        self._deeper()
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        self._depth -= 1
        if len(parts) == 1:
            return parts[0]
        return lambda scene: any(truth(part(scene)) for part in parts)

    def _and(self) -> Evaluate:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        if len(parts) == 1:
            return parts[0]
        return lambda scene: all(truth(part(scene)) for part in parts)

    def _not(self) -> Evaluate:
        negated = False
        while self._take("not"):
            negated = not negated
        test = self._test()
        return (lambda scene: not truth(test(scene))) if negated else test

    def _test(self) -> Evaluate:
        one = self._value()
        sign = self._take("==", "!=", *_ORDERS, "in")
        if not sign and self._take("not"):
            if not self._take("in"):
                self._wrong("in is missing")
            sign = "not in"
        if not sign:
            return one
        other = self._value()
        if sign in ("==", "!="):
            return lambda scene: same(one(scene), other(scene)) is (sign == "==")
        if sign in _ORDERS:
            return lambda scene: ordered(one(scene), sign, other(scene))
        return lambda scene: member(one(scene), other(scene)) is (sign == "in")

    def _value(self) -> Evaluate:
        kind, text = self._next()
        if self._take("("):
            inner = self._or()
            self._expect(")")
            return inner
        if self._take("["):
            return self._list()
        if kind not in ("text", "number", "name"):
            self._wrong("a value is missing")
        self._at += 1
        if kind == "text":
            constant: Value = text[1:-1].replace(text[0] * 2, text[0])
            return lambda _scene: constant
        if kind == "number":
            number = float(text) if "." in text else int(text)
            return lambda _scene: number
        return self._named(text)

    def _list(self) -> Evaluate:
        self._deeper()
        parts: list[Evaluate] = []
        while not self._take("]"):
            if parts:
                self._expect(",")
            parts.append(self._value())
        self._depth -= 1
        return lambda scene: [part(scene) for part in parts]

    def _named(self, text: str) -> Evaluate:
        name = text.lower()
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda _scene: constant
        if name == "steps":
            self._expect(".")
            return self._path()
        if name == "row":
            return self._column()
        if name in _CALLS and self._take("("):
            return self._call(name)
        known = f"steps.{text}." if name in self._steps else "steps.NAME.Member or row.Column"
        raise BadExpression(
            f"The condition has the word {text[:40]!r}, which means nothing in it.",
            f"Write {known}; texts stand between quotes.",
        )

    def _step(self) -> tuple[int, str]:
        kind, text = self._next()
        if kind != "name":
            self._wrong("the name of a step is missing")
        self._at += 1
        if text.lower() not in self._steps:
            raise BadExpression(f"There is no earlier step {text!r}.", no_step(self._steps))
        return self._steps[text.lower()], text

    def _path(self) -> Evaluate:
        step, name = self._step()
        path: list[str | int] = []
        while sign := self._take(".", "["):
            kind, text = self._next()
            if kind != ("name" if sign == "." else "number") or not (sign == "." or text.isdecimal()):
                self._wrong("a member, or a number, is missing")
            self._at += 1
            path.append(text if sign == "." else int(text))
            if sign == "[":
                self._expect("]")
        ref = Ref(step, name, tuple(path))
        if not ref.member:
            self._wrong(f"a member of {ref} is missing")
        self.needs.setdefault(step, set()).add(ref.member)
        return lambda scene: _found(ref, scene)

    def _column(self) -> Evaluate:
        if self._take("["):
            kind, text = self._next()
            text = text[1:-1].replace(text[0] * 2, text[0]) if kind == "text" else ""
            self._at += 1
            self._expect("]")
        else:
            self._expect(".")
            text = self._next()[1]
            self._at += 1
        place = self._columns.find(text)
        if place is None:
            names = ", ".join(self._columns.names[:20]) or "none"
            raise BadExpression(f"The rows have no column {text[:40]!r}.", f"The columns are: {names}.")
        column = self._columns.names[place]
        return lambda scene: scene.cells.get(column)

    def _call(self, name: str) -> Evaluate:
        step, _ = self._step()
        self._expect(")")
        if name == "count":
            self.needs.setdefault(step, set())
            return lambda scene: scene.earlier[step].count if step in scene.earlier else 0
        self.of_ends = True
        ends = {
            "succeeded": (Status.SUCCEEDED, Status.UNCHANGED),
            "failed": (Status.FAILED, Status.UNKNOWN),
            "skipped": (Status.SKIPPED,),
        }[name]
        return lambda scene: step in scene.earlier and scene.earlier[step].status in ends


def no_step(steps: Mapping[str, int]) -> str:
    """What to do about the name of a step that there is not."""
    if not steps:
        return "Give an earlier step a name:, and write steps.NAME.Member."
    return f"The earlier steps with a name are {', '.join(steps)}."


def _found(ref: Ref, scene: Scene) -> Value:
    try:
        return ref.find(scene.earlier)
    except Missing:
        return None

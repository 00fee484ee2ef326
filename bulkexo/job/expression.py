"""Conditions of steps, `when:` and `keep:` (docs/job-files.md): a small language, parsed here and never run
as code.

    or    = and {"or" and}
    and   = not {"and" not}
    not   = "not" not | test
    test  = value [("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in") value]
    value = text | number | "true" | "false" | "null" | list | path | call | "(" or ")"
    list  = "[" [value {"," value}] "]"
    path  = "steps" "." step {"." member | "[" number "]"}  |  "row" ("." column | "[" text "]")
          | "value" {"." member | "[" number "]"}
    call  = ("succeeded" | "failed" | "skipped" | "count") "(" step ")"
          | "outside" "(" value {"," domain} ")"

`value` is an object that the step has returned, in `keep:` alone. `outside` is true of an address, or of a
list with one, in none of these domains and their subdomains; what is no address of SMTP, as `[EX:/o=…]`, is
inside.

Values compare as PowerShell and Exchange's loose replies want it: text without case, the text "False" as
false, "5" as 5. What an object does not have is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol

from bulkexo.job.loose import ORDERS, member, ordered, outside, same, truth
from bulkexo.job.paths import Missing, Ref, descend
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
_CALLS: Final = ("succeeded", "failed", "skipped", "count")


class BadExpression(Exception):
    """It cannot be read; a sentence says what is wrong, another what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Scene:
    """What a condition is asked about: the earlier steps of a row, its cells, and one of the objects that the
    step returned."""

    earlier: Earlier
    cells: Cells
    value: Any = None


Evaluate = Callable[[Scene], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition. needs: members that it names of each step, lower case. of_ends: it asks how a step ended,
    so that it alone decides, whatever has failed before. again: what `parse` was given, by which another
    process, to which it is sent, makes it anew."""

    text: str
    needs: Mapping[int, frozenset[str]]
    of_ends: bool
    evaluate: Evaluate
    again: tuple[str, Mapping[str, int], Names, bool] = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[Callable[..., Expression], tuple[object, ...]]:
        return _made_again, self.again

    def holds(self, earlier: Earlier, cells: Cells) -> bool:
        """Whether it is true of a row. Raises UnboundError where its values cannot be compared."""
        return truth(self.evaluate(Scene(earlier, cells)))

    def keeps(self, cells: Cells, value: Any) -> bool:
        """Whether it is true of an object, or cannot be told."""
        try:
            return truth(self.evaluate(Scene({}, cells, value)))
        except UnboundError:
            return True


class Names(Protocol):
    """The columns of the rows, which may not be known before they are asked for."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def find(self, name: str) -> int | None:
        """The place of a column among `names`."""


def parse(text: str, steps: Mapping[str, int], columns: Names, *, of_value: bool = False) -> Expression:
    """Read a condition. steps: names of the earlier ones, lower case, and their numbers. of_value: it is
    asked about an object, and may name that. Raises BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression(f"The condition is longer than {LONGEST:,} characters.", "Make it shorter.")
    parser = _Parser(text, steps, columns, of_value=of_value)
    evaluate = parser.whole()
    needs = {step: frozenset(names) for step, names in parser.needs.items()}
    again = text, dict(steps), columns, of_value
    return Expression(text.strip(), needs, parser.of_ends, evaluate, again)


def _made_again(text: str, steps: Mapping[str, int], columns: Names, of_value: bool) -> Expression:
    return parse(text, steps, columns, of_value=of_value)


class _Parser:
    def __init__(self, text: str, steps: Mapping[str, int], columns: Names, *, of_value: bool) -> None:
        self._of_value = of_value
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
        sign = self._take("==", "!=", *ORDERS, "in")
        if not sign and self._take("not"):
            if not self._take("in"):
                self._wrong("in is missing")
            sign = "not in"
        if not sign:
            return one
        other = self._value()
        if sign in ("==", "!="):
            return lambda scene: same(one(scene), other(scene)) is (sign == "==")
        if sign in ORDERS:
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
        if name == "value" and self._of_value:
            return self._of_object()
        if name == "outside" and self._take("("):
            return self._outside()
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
        ref = Ref(step, name, self._members())
        if not ref.member:
            self._wrong(f"a member of {ref} is missing")
        self.needs.setdefault(step, set()).add(ref.member)
        return lambda scene: _found(ref, scene)

    def _members(self) -> tuple[str | int, ...]:
        path: list[str | int] = []
        while sign := self._take(".", "["):
            kind, text = self._next()
            if kind != ("name" if sign == "." else "number") or not (sign == "." or text.isdecimal()):
                self._wrong("a member, or a number, is missing")
            self._at += 1
            path.append(text if sign == "." else int(text))
            if sign == "[":
                self._expect("]")
        return tuple(path)

    def _of_object(self) -> Evaluate:
        path = self._members()
        return lambda scene: descend(scene.value, path)

    def _outside(self) -> Evaluate:
        value, domains = self._value(), []
        while not self._take(")"):
            self._expect(",")
            domains.append(self._value())
        return lambda scene: outside(value(scene), [domain(scene) for domain in domains])

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

"""What a step says beyond its cmdlet, `name:`, `when:`, `keep:` and `retry_not_found:`; and the rule of its
items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from bulkexo.durations import duration
from bulkexo.facts.catalogue import nearest
from bulkexo.job.expression import BadExpression, Expression, parse
from bulkexo.job.later import Pending
from bulkexo.job.paths import NAME, Ref
from bulkexo.job.problems import Problems
from bulkexo.job.template import Columns, Node
from bulkexo.model import Earlier, Item, UnboundError, Value


class When(StrEnum):
    """Which rows a step is for, by what has come of the steps before it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Sequel:
    """As the job writes it. keep: which of the objects that it returns are kept, None for all. keeps, needs:
    see model.Rule; retry_not_found: in seconds."""

    name: str = ""
    when: When = When.SUCCEEDED
    condition: Expression | None = None
    keep: Expression | None = None
    retry_not_found: float = 0.0
    keeps: frozenset[str] | None = None
    needs: Mapping[int, frozenset[str]] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """Whether the step goes on as any other does."""
        return self == Sequel(self.name)

    def described(self) -> dict[str, Value]:
        """The same for run.json."""
        when = self.condition.text if self.condition else str(self.when)
        given: dict[str, Value] = {
            "name": self.name,
            "when": "" if when == When.SUCCEEDED else when,
            "keep": self.keep.text if self.keep else "",
            "retry_not_found": self.retry_not_found,
        }
        return {name: value for name, value in given.items() if value}


PLAIN: Final = Sequel()


@dataclass(frozen=True, slots=True)
class StepRule:
    """The rule of a step's items (model.Rule). naming: parameters that name the object, the best first."""

    sequel: Sequel
    naming: Sequence[str]

    @property
    def keeps(self) -> frozenset[str] | None:
        return self.sequel.keeps

    @property
    def needs(self) -> Mapping[int, frozenset[str]]:
        return self.sequel.needs

    @property
    def retry_not_found(self) -> float:
        return self.sequel.retry_not_found

    def chosen(self, item: Item, values: Sequence[Any]) -> Sequence[Any]:
        """Of what the step has returned, what is kept."""
        keep = self.sequel.keep
        return values if keep is None else [each for each in values if keep.keeps(item.cells, each)]

    def against(self, item: Item, earlier: Earlier) -> str:
        """Why the step is left out by a rule or a failure of the job, "" if it goes."""
        bad = any(not each.status.good and not each.rule for each in earlier.values())
        condition, when = self.sequel.condition, self.sequel.when
        if when is When.FAILED:
            return "" if bad else "It is for rows of which an earlier step has failed, and none has."
        if when is When.ALWAYS:
            return ""
        if condition is None or (bad and not condition.of_ends):
            return EARLIER if bad else ""
        return "" if condition.holds(earlier, item.cells) else f"Its condition is not met: {condition.text}."

    def bind(self, item: Item, earlier: Earlier) -> Item:
        """The item with its holes filled."""
        if not item.pending:
            return item
        filled = {
            name: self._fill(name, each, earlier, secret=name in item.secrets)
            for name, each in item.pending.items()
        }
        parameters = {**item.parameters, **filled}
        identity = item.identity or next(
            (str(parameters[name]) for name in self.naming if parameters.get(name)), ""
        )
        return replace(item, parameters=parameters, identity=identity, pending={}, written=item.parameters)

    def _fill(self, name: str, pending: Pending, earlier: Earlier, *, secret: bool) -> Value:
        try:
            value = pending.fill(earlier, secret=secret)
        except UnboundError as error:
            raise UnboundError(f"The parameter {name} has no value. {error}") from None
        if name in self.naming and (isinstance(value, bool) or not isinstance(value, str | int)):
            what = f"a list of {len(value)} values" if isinstance(value, list) else "no name"
            what = "null" if value is None else what
            raise UnboundError(f"The parameter {name} names one object, and {pending.text()} is {what}.")
        if name in self.naming and not str(value).strip():
            raise UnboundError(f"The parameter {name} names an object, and {pending.text()} is empty.")
        return value


EARLIER: Final = "An earlier step of the row did not succeed."


def with_keeps(sequels: Sequence[Sequel], refs: Sequence[Iterable[Ref]]) -> list[Sequel]:
    """The same, each with what it needs of earlier ones and what it keeps for later ones. refs: of each
    step's parameters."""
    needs: list[dict[int, set[str]]] = []
    keeps: dict[int, set[str]] = {}
    for sequel, named in zip(sequels, refs, strict=True):
        own: dict[int, set[str]] = {}
        for ref in named:
            own.setdefault(ref.step, set()).add(ref.member)
        for step, names in (sequel.condition.needs if sequel.condition else {}).items():
            own.setdefault(step, set()).update(names)
        for step, members in own.items():
            keeps.setdefault(step, set()).update(members)
        needs.append(own)
    return [
        replace(
            sequel,
            keeps=frozenset(keeps[number]) if number in keeps else None,
            needs={step: frozenset(names) for step, names in needs[number - 1].items()},
        )
        for number, sequel in enumerate(sequels, 1)
    ]


class SequelReader:
    """Reads the keys of the steps of one job, one after another. where: a line, as messages write it."""

    def __init__(self, where: Callable[[int], str], columns: Columns, problems: Problems) -> None:
        self._where = where
        self._columns = columns
        self._problems = problems
        self._number = 0
        self.steps: dict[str, int] = {}

    def read(self, members: Mapping[str, Node]) -> Sequel:
        """The keys of the next step; it can be named by those after it once `named` is told."""
        self._number += 1
        when, condition = self._when(members.get("when"))
        wait = self._duration(members.get("retry_not_found"))
        return Sequel(self._name(members.get("name")), when, condition, self._keep(members.get("keep")), wait)

    def named(self, name: str) -> None:
        """The steps from here on may name the present one."""
        if name:
            self.steps[name.lower()] = self._number

    def _problem(self, node: Node, what: str, remedy: str) -> None:
        self._problems.add(self._where(node.line), what, remedy)

    def _name(self, node: Node | None) -> str:
        if node is None:
            return ""
        if not isinstance(node.value, str) or not NAME.fullmatch(node.value):
            self._problem(
                node, "name: is no name of a step.", "Write letters, digits and _, as in name: create."
            )
            return ""
        if node.value.lower() in self.steps:
            self._problem(node, f"Two steps have the name {node.value}.", "Give each its own.")
        return node.value

    def _when(self, node: Node | None) -> tuple[When, Expression | None]:
        if node is None:
            return When.SUCCEEDED, None
        text = node.value.strip() if isinstance(node.value, str) else ""
        if text.lower() in list(When):
            return When(text.lower()), None
        if not text:
            self._problem(node, "when: is no condition.", "Write succeeded, failed, always, or a comparison.")
            return When.SUCCEEDED, None
        if text.isalpha() and (like := nearest(text, list(When))):
            self._problem(node, f"when: {text} means nothing.", f"Did you mean {like}?")
            return When.SUCCEEDED, None
        return When.SUCCEEDED, self._parsed(node, text, self.steps)

    def _keep(self, node: Node | None) -> Expression | None:
        if node is None:
            return None
        if not isinstance(node.value, str) or not node.value.strip():
            self._problem(node, "keep: is no condition.", "Write a comparison, as in value.Enabled == true.")
            return None
        return self._parsed(node, node.value.strip(), {}, of_value=True)

    def _parsed(
        self, node: Node, text: str, steps: Mapping[str, int], *, of_value: bool = False
    ) -> Expression | None:
        try:
            return parse(text, steps, self._columns, of_value=of_value)
        except BadExpression as bad:
            self._problem(node, bad.what, bad.remedy)
            return None

    def _duration(self, node: Node | None) -> float:
        if node is None:
            return 0.0
        try:
            return duration(node.value)
        except ValueError as error:
            self._problem(node, "retry_not_found: is no time.", str(error))
            return 0.0

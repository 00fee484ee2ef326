"""Every sentence of an error that the code can say, read from the code itself.

A sentence is a template: `‹name›` stands for what is filled in. Those of a job's problems have their remedy
apart; in all others it must stand in the sentence.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import bulkexo

ROOT: Final = Path(bulkexo.__file__).parent
ERRORS: Final = {
    "UsageError": 2,
    "JobError": 2,
    "StoppedError": 3,
    "SignInError": 4,
    "SignInUnreachableError": 4,
}
"""Errors of one sentence, and their exit codes."""
PROBLEMS: Final = {
    "Problem": 1,
    "fail": 1,
    "add": 1,
    "add_once": 2,
    "problem": 1,
    "_problem": 1,
    "BadCell": 0,
}
"""Calls that tell a problem of a job, by the position of `what`; the remedy is next to it."""
STOPPED: Final = 3
GOING_ON: Final = frozenset({"asking", "run", "schedule"})
"""Where a run stops: the command that goes on with it is told below the sentence, whatever that is."""
APART: Final = frozenset({"sandbox", "__main__.py", "_version.py"})
"""The pretend tenant speaks for the service."""
ALTERNATIVES: Final = 6
"""Ways to fill in what the code itself says in several ways; more than that are shown as a gap."""


@dataclass(frozen=True, slots=True, order=True)
class Sentence:
    """room: a module or package of bulkexo. exit_code: of the command that says it. what: the template.
    remedy: what to do, where it stands apart."""

    room: str
    where: str = field(compare=False)
    exit_code: int
    what: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.what} {self.remedy}".strip()


def sentences() -> list[Sentence]:
    """All of them, each once, by room."""
    found: dict[tuple[str, str], Sentence] = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        if parts[0] in APART:
            continue
        name = ".".join(["bulkexo", *parts]).removesuffix(".py").removesuffix(".__init__")
        module = importlib.import_module(name)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for sentence in Reader(tree, "/".join(parts), vars(module)).read():
            found.setdefault((sentence.what, sentence.remedy), sentence)
    return sorted(found.values())


class Reader:
    """Reads one module. where: its path. known: what its names mean, once it is imported."""

    def __init__(self, tree: ast.Module, where: str, known: Mapping[str, object]) -> None:
        self.tree = tree
        self.where = where
        self.room = where.partition("/")[0].removesuffix(".py")
        self.names = known
        self.functions: dict[ast.AST, ast.AST] = {}
        for function in ast.walk(self.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions |= dict.fromkeys(ast.walk(function), function)

    def read(self) -> Iterator[Sentence]:
        """Its sentences, as they stand in it."""
        for call in ast.walk(self.tree):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            where = f"{self.where}:{call.lineno}"
            if name in ERRORS and call.args:
                for text in self.texts(call.args[0], call):
                    if text.count(" ") > 1:
                        yield Sentence(self.room, where, ERRORS[name], text)
            elif name in PROBLEMS:
                yield from self.problem(call, PROBLEMS[name], where)

    def problem(self, call: ast.Call, first: int, where: str) -> Iterator[Sentence]:
        starred = [each for each in call.args if isinstance(each, ast.Starred)]
        if starred:
            value = self.known(starred[0].value)
            if isinstance(value, tuple) and len(value) == 2:
                yield Sentence(self.room, where, 2, str(value[0]), str(value[1]))
        elif len(call.args) >= first + 2:
            whats = self.texts(call.args[first], call)
            remedies = self.texts(call.args[first + 1], call)
            for what, remedy in itertools.product(whats, remedies):
                if " " in what:
                    yield Sentence(self.room, where, 2, what, remedy)

    def texts(self, node: ast.expr, at: ast.AST) -> list[str]:
        """The templates that an expression can be."""
        if isinstance(node, ast.Constant):
            return [str(node.value)] if isinstance(node.value, str) else ["‹value›"]
        if isinstance(node, ast.JoinedStr):
            return self.joined(list(node.values), at)
        if isinstance(node, ast.FormattedValue):
            return self.filled(node.value, at)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.joined([node.left, node.right], at)
        if isinstance(node, ast.IfExp):
            return [*self.texts(node.body, at), *self.texts(node.orelse, at)]
        return self.filled(node, at)

    def joined(self, parts: Sequence[ast.expr], at: ast.AST) -> list[str]:
        ways = [self.texts(part, at) for part in parts]
        ways = [
            way if len(way) <= ALTERNATIVES else [self.gap(part)]
            for way, part in zip(ways, parts, strict=True)
        ]
        return ["".join(way) for way in itertools.islice(itertools.product(*ways), ALTERNATIVES)]

    def filled(self, node: ast.expr, at: ast.AST) -> list[str]:
        """What is known of a value: a constant's text, what a name was set to in the same function."""
        value = self.known(node)
        if isinstance(value, str):
            return [value]
        if isinstance(node, ast.IfExp):
            return self.texts(node, at)
        if isinstance(node, ast.Name):
            found = [text for given in self.assigned(node.id, at) for text in self.texts(given, at)]
            if found and len(found) <= ALTERNATIVES and any(" " in text or not text for text in found):
                return found
        return [self.gap(node)]

    def known(self, node: ast.expr) -> object:
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
            return self.names.get(node.id)
        return None

    def assigned(self, name: str, at: ast.AST) -> Iterator[ast.expr]:
        for node in ast.walk(self.functions.get(at, ast.Module([], []))):
            if not isinstance(node, ast.Assign) or any(each is at for each in ast.walk(node)):
                continue
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for each, value in zip(target.elts, node.value.elts, strict=False):
                        if isinstance(each, ast.Name) and each.id == name:
                            yield value

    def gap(self, node: ast.expr) -> str:
        """What stands for a value: the last name in its expression."""
        names = [each.attr if isinstance(each, ast.Attribute) else each.id for each in _named(node)]
        return f"‹{names[0].strip('_').replace('_', ' ')}›" if names else "‹…›"


def _named(node: ast.expr) -> list[ast.Attribute | ast.Name]:
    """The names in an expression, the one that says most first: an argument before its function."""
    if isinstance(node, ast.Call):
        inner = [found for each in node.args for found in _named(each)]
        return inner or _named(node.func)
    if isinstance(node, ast.Attribute | ast.Name):
        return [node]
    return [
        found for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr) for found in _named(each)
    ]


DOING: Final = re.compile(
    r"(?:^|[.:;,(] ?|\b(?:or|and|then|so|else|first|please|instead) )\"?"
    r"(add|allow|ask|bring|change|check|choose|close|correct|create|delete|do|end|exclude|finish|free|get|give|go|"
    r"grant|install|keep|leave|let|list|look|make|mend|move|name|open|pass|point|put|read|rename|renew|repeat|restore|export|"
    r"report|run|say|see|set|shorten|sign|split|start|stop|take|try|turn|upgrade|upload|use|wait|write|unlock)\b",
    re.IGNORECASE,
)
COMMANDS: Final = re.compile(
    r"\bbulkexo [a-z]+|--[a-z]|\b(needs?|must|goes on|administrator|Did you mean)\b"
    r"|\b(Known are|columns are|pip install)\b"
    r"|‹(how|remedy|hint|error|reason)›"
)


def says_what_to_do(sentence: Sentence) -> bool:
    """Whether there is something to do in it: a remedy of its own, or words that ask for something."""
    if sentence.remedy or (sentence.exit_code == STOPPED and sentence.room in GOING_ON):
        return True
    return bool(DOING.search(sentence.text) or COMMANDS.search(sentence.text))

"""The house as its imports have it: arrows lead to lower floors, in no circle; each library has its room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bulkexo

ROOT = Path(bulkexo.__file__).parent
FLOORS: tuple[set[str], ...] = (
    {
        "model",
        "redact",
        "confidant",
        "connection",
        "choices",
        "durations",
        "dated",
        "runsin",
        "clocks",
        "interrupts",
    }
    | {"whole"},
    {"wire", "facts", "job", "pace", "journal", "memory", "keystore", "signers", "grants"},
    {"net", "compare", "embedded"},
    {"schedule", "former", "judging", "reading", "says", "options", "profiles", "tenants"},
    {
        "tenancy",
        "namesakes",
        "waves",
        "passage",
        "pulse",
        "described",
        "run",
        "asking",
        "goingon",
        "online",
        "plan",
    }
    | {"refresh", "report", "cluster", "spread"},
    {"client", "telemetry", "cli", "__main__"},
)
"""Rooms, the lowest first. Within a floor they may use each other, in no circle."""
APART = "sandbox"
"""Shares no code with the rest: it reads the protocol for itself."""
ROOMS = {
    "aiohttp": {"net", "sandbox"},
    "msal": {"net"},
    "aiolimiter": {"pace"},
    "filelock": {"journal"},
    "yaml": {"job", "cli"},
    "click": {"cli"},
    "rich": {"cli", "report"},
    "jinja2": {"report"},
    "pygal": {"report"},
    "xlsxwriter": {"report"},
    "pyarrow": {"report"},
    "openpyxl": {"job"},
    "opentelemetry": {"telemetry"},
    "distributed": {"cluster"},
}
"""Libraries, and the only rooms that know them."""
PURE = {"wire", "facts", "compare", "model"}
IMPURE = {"aiohttp", "anyio", "asyncio", "pathlib", "random", "requests", "socket", "subprocess", "time"}


@dataclass(frozen=True)
class Arrow:
    """An import. late: inside a function. typed: for type checkers alone, so that nothing is imported."""

    of: str
    what: str
    late: bool
    typed: bool


def module_of(path: Path) -> str:
    parts = ["bulkexo", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def arrows(module: str) -> Iterator[Arrow]:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    typed = {
        id(inner)
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        for name in _imported(node):
            yield Arrow(module, name, late=id(node) not in top, typed=id(node) in typed)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert not node.level, "imports are absolute here"
    names = {f"{node.module}.{each.name}" for each in node.names}
    return sorted({name if name in MODULES else str(node.module) for name in names})


ARROWS = [arrow for module in MODULES for arrow in arrows(module)]
INSIDE = [arrow for arrow in ARROWS if arrow.what in MODULES and arrow.what not in ("bulkexo", arrow.of)]


def room(module: str) -> str:
    """Of a module: the package or the file below bulkexo/; "" of bulkexo itself."""
    return module.split(".")[1] if "." in module else ""


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


def test_every_room_has_its_floor() -> None:
    named = [name for rooms in FLOORS for name in rooms] + [APART]
    assert sorted(named) == sorted({room(module) for module in MODULES} - {""})


def test_arrows_lead_to_lower_floors() -> None:
    between = [
        arrow for arrow in INSIDE if arrow.of != "bulkexo" and APART not in (room(arrow.of), room(arrow.what))
    ]
    assert [arrow for arrow in between if floor(arrow.what) > floor(arrow.of)] == []


def test_the_sandbox_is_apart() -> None:
    crossing = {
        (room(arrow.of), room(arrow.what)) for arrow in INSIDE if APART in (room(arrow.of), room(arrow.what))
    }
    assert crossing == {(APART, APART), ("cli", APART)}


def test_no_circle_of_rooms() -> None:
    """Late imports count, too; those for type checkers do not, nor what bulkexo itself offers."""
    uses: dict[str, set[str]] = {}
    for arrow in INSIDE:
        if not arrow.typed and arrow.of != "bulkexo" and room(arrow.of) != room(arrow.what):
            uses.setdefault(room(arrow.of), set()).add(room(arrow.what))
    TopologicalSorter(uses).prepare()  # raises CycleError


def test_no_circle_of_modules() -> None:
    uses: dict[str, set[str]] = {}
    for arrow in INSIDE:
        if not (arrow.typed or arrow.late):
            uses.setdefault(arrow.of, set()).add(arrow.what)
    TopologicalSorter(uses).prepare()  # raises CycleError


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_has_its_room(library: str) -> None:
    users = {room(arrow.of) for arrow in ARROWS if arrow.what.split(".")[0] == library}
    assert users
    assert users <= ROOMS[library]


def test_protocol_code_does_nothing_by_itself() -> None:
    """No clock, no chance, no file, no socket: these come in from outside."""
    found = [arrow for arrow in ARROWS if room(arrow.of) in PURE and arrow.what.split(".")[0] in IMPURE]
    assert found == []

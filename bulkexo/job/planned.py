"""What stands beside a plan: plan.json, with the course of the job that it was made of."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import orjson

from bulkexo.job.course import STRAIGHT, Course
from bulkexo.job.problems import Problems
from bulkexo.job.template import Node
from bulkexo.job.text import TextFile, examine

MADE: Final = "plan.json"
COURSE: Final = "course"
"""The key that holds it there, as a YAML job writes it."""
ALONE: Final = f"{MADE} is not beside the plan, so the options, waves and window of its job are not known."


def beside(plan: Path) -> TextFile | None:
    """plan.json, if it is there. Raises JobError if it cannot be read."""
    path = plan.parent / MADE
    return examine(path) if path.is_file() else None


def course_of(made: TextFile | None, problems: Problems) -> Course:
    """The waves, gate and window of the job that the plan was made of."""
    if made is None:
        return STRAIGHT
    try:
        with made.reading() as text:
            written = orjson.loads(text.read()).get(COURSE, {})
        nodes = {name: _node(value) for name, value in written.items()}
    except (orjson.JSONDecodeError, AttributeError):
        problems.add(made.name, "This is not what a plan was made with.", "Make the plan anew.")
        return STRAIGHT
    from bulkexo.job.coursereader import CourseReader  # noqa: PLC0415 (few jobs are a plan)

    return CourseReader(lambda _line: made.name, problems).read(nodes)


def made_with(plan: Path, names: Collection[str]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Those options of these names that a plan was made with, and the profiles, if they stand beside it."""
    try:
        made = orjson.loads((plan.parent / MADE).read_bytes())
        return {name: value for name, value in made["options"].items() if name in names}, made.get("profiles")
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return {}, None


def _node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node(1, {name: _node(member) for name, member in value.items()})
    return Node(1, [_node(member) for member in value] if isinstance(value, list) else value)

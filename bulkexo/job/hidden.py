"""Where a job holds secrets: which columns, which values of its own; and where it may not."""

from __future__ import annotations

from collections.abc import Iterator

from bulkexo.facts import catalogue
from bulkexo.facts.catalogue import Kind
from bulkexo.job.outline import Given, Outline
from bulkexo.job.problems import Problems, printable
from bulkexo.job.steps import is_secret, is_secret_column
from bulkexo.job.template import Omit
from bulkexo.model import Value


def refuse_asked(outline: Outline, positions: frozenset[int], problems: Problems) -> None:
    """Tell of secrets among rows that are asked of a tenant, which stand in a file of the run.
    positions: of the columns that hold secrets."""
    marked = {name.lower() for name in outline.secret_columns}
    for number in sorted(positions):
        name = outline.columns.names[number]
        uses = (
            each for step in outline.steps for each in outline.given(step) if number in each.source.columns
        )
        use = next(uses, None)
        if use is not None or name.lower() in marked:
            problems.add_once(
                ("asked", name),
                use.where if use else outline.file.name,
                f"The column {printable(name)} is to hold secrets, and a tenant's rows are kept in a file.",
                "Take secrets from a CSV, or from the job itself.",
            )


def secret_positions(outline: Outline) -> frozenset[int]:
    """Columns that hold secrets: by mark, by name, or because a secret parameter takes them."""
    marked = {name.lower() for name in outline.secret_columns}
    positions = {
        position
        for position, name in enumerate(outline.columns.names)
        if name.lower() in marked or is_secret_column(name)
    }
    for given, _ in _secret_parameters(outline):
        positions |= given.source.columns
    return frozenset(positions)


def is_hidden(outline: Outline, given: Given, positions: frozenset[int]) -> bool:
    """Whether values of what is given to every row are secrets. positions: of the columns that hold some."""
    marked = given.name.lower() in outline.secret
    return marked or bool(given.source.columns & positions) or is_secret_column(given.name)


def secret_constants(outline: Outline) -> list[Value]:
    """Values of secret parameters that stand in the job itself, or come by --set."""
    common = [(given, None) for given in outline.common if is_hidden(outline, given, frozenset())]
    found: list[Value] = []
    for given, kind in (*_secret_parameters(outline), *common):
        if given.source.columns or given.source.refs:
            continue
        value = given.source.bind(kind)(())
        if not isinstance(value, Omit):
            found.append(value)
    return found


def _secret_parameters(outline: Outline) -> Iterator[tuple[Given, Kind | None]]:
    """What is given to a secret parameter of a step, and of which kind that is, if it is known."""
    for step in outline.steps:
        known = catalogue.cmdlet(step.cmdlet.strip())
        secret = {name.lower() for name in (*outline.secret, *step.secret)}
        for given in outline.given(step):
            parameter = known.parameter(given.name) if known else None
            name = parameter.name if parameter else given.name
            if is_secret(name, parameter) or {name.lower(), given.name.lower()} & secret:
                yield given, parameter.kind if parameter else None

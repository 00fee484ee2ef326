"""Which columns of a job hold secrets."""

from __future__ import annotations

from bulkexo.job import catalogue
from bulkexo.job.outline import Outline
from bulkexo.job.steps import is_secret, is_secret_column


def secret_positions(outline: Outline) -> frozenset[int]:
    """Columns that hold secrets: by mark, by name, or because a secret parameter takes them."""
    marked = {name.lower() for name in outline.secret_columns}
    positions = {
        position
        for position, name in enumerate(outline.columns.names)
        if name.lower() in marked or is_secret_column(name)
    }
    for step in outline.steps:
        known = catalogue.cmdlet(step.cmdlet.strip())
        secret = {name.lower() for name in (*outline.secret, *step.secret)}
        for given in outline.given(step):
            parameter = known.parameter(given.name) if known else None
            name = parameter.name if parameter else given.name
            if is_secret(name, parameter) or {name.lower(), given.name.lower()} & secret:
                positions |= given.source.columns
    return frozenset(positions)

"""Short words for what the loader's tests do again and again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from bulkexo.job import Job, load
from bulkexo.model import Item, JobError, Problem, Value


def words(*lines: str) -> list[str]:
    """The words of the lines."""
    return [word for line in lines for word in line.split()]


def save(folder: Path, text: str | bytes, name: str = "job.csv") -> Path:
    """A file of this text as UTF-8, line breaks as they are; or of these bytes."""
    path = folder / name
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path


def read(path: Path, cmdlet: str | None = None, sets: Sequence[str] = (), **more: Any) -> list[Item]:
    """The items of a job, checked first."""
    job = load(path, cmdlet=cmdlet, sets=sets, **more)
    checked = job.check()
    items = list(job.items())
    assert checked.items == len(items)
    return items


def parameters(path: Path, cmdlet: str | None = "Set-Mailbox", **more: Any) -> list[dict[str, Value]]:
    """The parameters of each item."""
    return [dict(item.parameters) for item in read(path, cmdlet, **more)]


def refused(
    path: Path, cmdlet: str | None = "Set-Mailbox", sets: Sequence[str] = (), options: Collection[str] = ()
) -> tuple[Problem, ...]:
    """The problems of a job that has some; each is made of sentences."""
    with pytest.raises(JobError) as caught:
        load(path, cmdlet=cmdlet, sets=sets, option_names=options).check()
    problems = caught.value.problems
    assert 0 < len(problems) <= 20
    assert caught.value.total >= len(problems)
    assert str(caught.value) == "\n".join(map(str, problems))
    for problem in problems:
        assert problem.where
        assert problem.what.endswith("."), problem
        assert problem.remedy.endswith((".", "?")), problem
        assert problem.remedy[0].isupper()
    return problems


def cell(folder: Path, text: str, parameter: str = "DisplayName", cmdlet: str = "Set-Mailbox") -> Value:
    """What a CSV cell of this text becomes for a parameter; "left out" if it is."""
    quoted = '"' + text.replace('"', '""') + '"'
    path = save(folder, f"Identity,{parameter}\nada,{quoted}\n")
    found = parameters(path, cmdlet)[0]
    return found.get(parameter, "left out")


def warnings(job: Job) -> tuple[str, ...]:
    """The warnings of a check."""
    return job.check().warnings

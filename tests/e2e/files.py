"""Job files, written for a test."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from tests.e2e.pretend import Pretend


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def document(path: Path, content: object) -> Path:
    """A YAML file."""
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def read_back(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows, such as failed.csv's."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def people(tenant: Pretend) -> list[str]:
    """The sign-in names of all mailboxes, always in the same order."""
    return sorted(str(mailbox["UserPrincipalName"]) for mailbox in tenant.everything())

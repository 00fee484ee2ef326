"""`bulkexo profiles`: what profiles there are."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bulkexo.cli.signing import how
from bulkexo.cli.terminal import put, say
from bulkexo.profiles import Profile, read_profiles
from bulkexo.tenants import Directory, Words

HEADER = ("Profile", "Tenant", "Signs in by", "File")


@click.command()
def profiles() -> None:
    """The profiles that hold in this folder: name, tenant, how each signs in, and the file it stands in.

    Example:  bulkexo profiles
    """
    found = read_profiles(Path())
    if not found.by_name:
        say(f"There are no profiles. {found.looked()}")
        return
    words = Words({}, {}, variables=os.environ)
    rows = [HEADER]
    for profile in sorted(found.by_name.values(), key=lambda each: each.name.lower()):
        only = Directory(words, found, profile, words.options(profile)).tenants([])[0]
        rows.append((profile.name, _tenant(profile), how(only), str(profile.file)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        put(f"{line}\n".encode())


def _tenant(profile: Profile) -> str:
    return profile.tenant or "(named by the job)"

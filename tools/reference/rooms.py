"""All sentences of errors, room by room."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from tools.reference.sentences import GOING_ON, STOPPED, Sentence, sentences
from tools.reference.tables import plain, table

ROOMS: Final = {
    "job": "Reading a job",
    "options": "Options",
    "profiles": "Profiles (bulkexo.toml)",
    "tenants": "Several tenants",
    "net": "Signing in, and the network",
    "cli": "At the command line",
    "journal": "A run's folder",
    "run": "During a run",
    "online": "Asking the tenant first",
    "plan": "Planning",
    "report": "Looking back at a run",
}
"""What a reader calls the rooms; the rest stand under their own names."""


def messages() -> str:
    """A table for each room: the sentence, what to do where that stands apart, the exit code."""
    found = sentences()
    order = {room: place for place, room in enumerate(ROOMS)}
    found.sort(key=lambda each: (order.get(each.room, len(order)), each.room, each.exit_code, each.what))
    parts = []
    for room, group in groupby(found, lambda each: each.room):
        rows = [(plain(each.what), _remedy(each), str(each.exit_code)) for each in group]
        parts.append(f"### {ROOMS.get(room, room)}\n\n{table(['message', 'what to do', 'exit code'], rows)}")
    return "\n".join(parts)


def _remedy(sentence: Sentence) -> str:
    """What to do, where it does not stand in the sentence."""
    if not sentence.remedy and sentence.exit_code == STOPPED and sentence.room in GOING_ON:
        return "`bulkexo resume` goes on."
    return plain(sentence.remedy)

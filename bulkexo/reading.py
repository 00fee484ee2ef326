"""Which reads come before the items of a run. What they take is imported where a run has any. Floor 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulkexo.former import Formers, Keep


def formers(keep: Keep | None, *, planned: bool, unchanged: bool) -> Formers | None:
    """What is read of objects before items are sent, and what follows from it; None if nothing. keep: takes
    what is to be kept, if anything is. planned: they are a plan's. unchanged: `--skip-unchanged`."""
    if not (keep or planned or unchanged):
        return None
    from bulkexo.former import Formers  # noqa: PLC0415 (with all that is known of cmdlets' opposites)

    if not (planned or unchanged):
        return Formers(keep=keep)
    from bulkexo.judging import as_planned, settled, unless_same  # noqa: PLC0415 (and how values compare)

    if planned:
        return Formers(keep=keep, judge=as_planned, settled=settled)
    return Formers(keep=keep, judge=unless_same)

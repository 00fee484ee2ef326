"""The live view: a scene as lines of text, for a console of any size from 20 columns on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from bulkexo.cli.gauge import Fault, Scene, took
from bulkexo.cli.signs import Signs
from bulkexo.model import Status

WIDE = 66
"""Columns from which on the figures stand under their names, five abreast."""
CELL = 22
"""Columns of a figure, at most."""
MOST = 120
"""Columns of the view, at most: a longer bar tells no more."""
AIRY = 14
"""Lines from which on there are empty ones between the parts."""
STYLES = {
    Status.SUCCEEDED: "bold green",
    Status.UNCHANGED: "bold",
    Status.FAILED: "bold red",
    Status.UNKNOWN: "bold magenta",
    Status.SKIPPED: "bold",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name."""

    name: str
    value: str
    style: str


def frame(title: str, scene: Scene, width: int, height: int, signs: Signs) -> list[Text]:
    """The lines, one less than the console has, each shorter than its width."""
    width, height = max(20, min(MOST, width) - 1), max(1, height - 1)
    counts, pace = _laid(_counts(scene), width), _laid(_pace(scene), width)
    head = [_head(title, scene, width, signs), _bar(scene, width, signs), *_state(scene, width, signs)]
    parts = [head, counts, pace, _faults(scene.faults, width, signs)]
    airy = height >= max(AIRY, sum(map(len, parts)) + 3)
    lines: list[Text] = []
    for part in parts:
        if airy and lines and part:
            lines.append(Text())
        lines += part
    return lines[:height]


def last_frame(title: str, scene: Scene, width: int, signs: Signs) -> list[Text]:
    """What stays on the screen when the run has ended; the summary follows."""
    width = max(20, min(MOST, width) - 1)
    return [_head(title, scene, width, signs), _bar(scene, width, signs)]


def _head(title: str, scene: Scene, width: int, signs: Signs) -> Text:
    left = f"{title}, {scene.tally.wave}" if scene.tally.wave else title
    if scene.tally.tenants > 1 and scene.tally.working:
        left += f", {scene.tally.working:,} at work"
    right = took(scene.elapsed)
    text = Text()
    room = width - cell_len(right) - 2
    if room < cell_len(left):
        return text.append(_cut(left, width, signs), "bold")
    text.append(left.ljust(room + len(left) - cell_len(left)), "bold")
    return text.append(f"  {right}", "dim")


def _bar(scene: Scene, width: int, signs: Signs) -> Text:
    done, total = scene.tally.done, scene.total
    share = min(1.0, done / total) if total else 1.0
    percent = f"{int(100 * share)}%"
    figures = f"  {done:>{len(f'{total:,}')},} of {total:,}  {percent:>4}"
    room = max(6, width - len(figures))
    full = int(room * share)
    edge = signs.edge if room * share - full > 0 and full < room else ""
    text = Text().append(signs.full * full + edge, "green" if share == 1 else "cyan")
    text.append(signs.empty * (room - full - len(edge)), "dim")
    return text.append(figures if width - len(figures) >= 6 else f"  {percent:>4}")


def _state(scene: Scene, width: int, signs: Signs) -> list[Text]:
    """What it waits for, or when it will be done; both where there is room for both."""
    if not scene.state:
        return [Text(_cut(scene.end or "under way", width, signs))]
    lines = wrap(signs.shown(scene.state), width, max_lines=2, placeholder=signs.more)
    texts = [Text(_cut(line, width, signs), "bold yellow" if scene.stuck else "yellow") for line in lines]
    for end in (scene.end, scene.end.partition(",")[0]):
        if end and texts[-1].cell_len + len(end) + 2 <= width:
            texts[-1].append(f", {end}", "not bold default")
            break
    return texts


def _counts(scene: Scene) -> list[Figure]:
    figures = []
    for status in (Status.SUCCEEDED, Status.UNCHANGED, Status.FAILED, Status.UNKNOWN, Status.SKIPPED):
        number = scene.tally.by_status[status]
        figures.append(Figure(status.value, f"{number:,}", STYLES[status] if number else "dim"))
    return figures


def _pace(scene: Scene) -> list[Figure]:
    tally = scene.tally
    allowed = f"{tally.rate:,.1f}" if tally.rate is not None else "-"
    batches = f"{tally.batches:,} of {tally.places:,}" if tally.places else f"{tally.batches:,}"
    last = Figure("pages", f"{tally.pages:,}", "bold") if tally.pages else None
    return [
        Figure("items/s now", f"{scene.speed:,.1f}", "bold"),
        Figure("allowed", allowed, "bold"),
        Figure("batches", batches, "bold"),
        Figure("throttled", f"{scene.throttled:.1%}", "bold yellow" if tally.refused else "dim"),
        last or Figure("tried again", f"{tally.retried:,}", "bold" if tally.retried else "dim"),
    ]


def _laid(figures: Sequence[Figure], width: int) -> list[Text]:
    """Names over figures where there is room for all abreast, else name and figure side by side."""
    if width >= WIDE - 1:
        cell = min(CELL, width // len(figures))
        names, values = Text(), Text()
        for figure in figures:
            names.append(figure.name.rjust(cell), "dim")
            values.append(figure.value.rjust(cell), figure.style)
        return [names, values]
    needed = max(len(figure.name) + 1 + len(figure.value) for figure in figures)
    abreast = 2 if 2 * needed + 2 <= width else 1
    cell = (width - 2) // 2 if abreast > 1 else width
    rows = []
    for at in range(0, len(figures), abreast):
        row = Text()
        for figure in figures[at : at + abreast]:
            row.append("  " if row else "").append(figure.name, "dim")
            row.append(figure.value.rjust(cell - len(figure.name)), figure.style)
        rows.append(row)
    return rows


def _faults(faults: Iterable[Fault], width: int, signs: Signs) -> list[Text]:
    """The last failures by their cause, each with the last row that it struck."""
    lines: list[Text] = []
    for fault in faults:
        number = f"{fault.count:>7,}  "
        what = signs.shown(fault.words)
        where = signs.shown(f"row {fault.row:,}" + (f", {fault.identity}" if fault.identity else ""))
        room = width - len(number)
        line = Text().append(number, "bold red")
        if cell_len(what) + 2 + cell_len(where) <= room:
            line.append(set_cell_size(what, room - cell_len(where))).append(where, "dim")
        elif (short := f"row {fault.row:,}") and room >= cell_len(what) + 2 + len(short):
            line.append(set_cell_size(what, room - len(short))).append(short, "dim")
        else:
            line.append(_cut(what, room, signs))
        lines.append(line)
    return [Text("The last failures, by cause:", "dim"), *lines] if lines else []


def _cut(text: str, room: int, signs: Signs) -> str:
    """The text as far as there is room for it, without what the console cannot show."""
    plain = signs.shown(text)
    if cell_len(plain) <= room:
        return plain
    return set_cell_size(plain, max(0, room - len(signs.more))).rstrip() + signs.more

"""The charts of a report, drawn by pygal as plain SVG that the page's CSS colours, twice: wide and narrow."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

import pygal
from markupsafe import Markup

from bulkexo.report.html.curve import Point
from bulkexo.report.html.gather import Durations

# pygal leaves a finder of its plugins, by a protocol that Python has given up: 3.11 warns of it; pytest,
# which asks all finders by the present one, fails. There are no plugins here.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

SVG = "http://www.w3.org/2000/svg"
SIZES = {"wide": (920, 250), "narrow": (380, 230)}
POINTS = {"wide": 240, "narrow": 120}
TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
EDGES = (
    10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000, 120_000, 300_000, 900_000, 3_600_000
)  # fmt: skip
"""Milliseconds between the classes of the durations."""
LABEL = 6
"""Letters of a label on the upright axis."""
FIGURE_SPACE = "\u2007"
COLOURS = {
    "rate": {"stroke": "#2a6fd6", "fill": "#d6e3f7"},
    "allowed": {"stroke": "#b45309", "fill": "none"},
    "throttled": {"stroke": "none", "fill": "#e0a29e"},
    "counted": {"fill": "#2a6fd6"},
}
"""Where CSS has no variables, as in Outlook's preview; else page.css says."""
LEFT_OUT = ("defs", "desc", "title", "script", "style")

ElementTree.register_namespace("", SVG)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart. name: its class. filled: down to the axis."""

    name: str
    values: Sequence[tuple[float, float | None]]
    filled: bool = False


def speed(points: Sequence[Point], title: str, description: str) -> Markup:
    """Items per second, and what was allowed, over the time of running."""
    rate = [(point.at, point.rate) for point in points]
    allowed = [(point.at, point.allowed) for point in points]
    highest = max((value for _, value in [*rate, *allowed] if value is not None), default=1.0)
    lines = [Line("rate", rate, filled=True), Line("allowed", allowed)]
    return _both(
        "speed", title, description, lambda size: _lines(lines, highest, size, lambda value: f"{value:g}")
    )


def throttled(points: Sequence[Point], title: str, description: str) -> Markup:
    """The share of the sendings that the service has refused for the pace."""
    shares = [(point.at, None if point.throttled is None else 100 * point.throttled) for point in points]
    highest = max((value for _, value in shares if value is not None), default=1.0)
    lines = [Line("throttled", shares, filled=True)]
    return _both(
        "throttle",
        title,
        description,
        lambda size: _lines(lines, max(highest, 1.0), size, lambda value: f"{value:g}%", short=True),
    )


def classes(durations: Durations) -> list[tuple[str, int]]:
    """Each class of durations in words and how many items are in it, without empty ones at either end."""
    counts = durations.between(EDGES)
    used = [number for number, count in enumerate(counts) if count]
    if not used:
        return []
    words = [f"≤ {briefly(edge / 1000)}" for edge in EDGES] + [f"> {briefly(EDGES[-1] / 1000)}"]
    first, last = max(0, used[0] - 1), min(len(counts), used[-1] + 2)
    return [(words[number], counts[number]) for number in range(first, last)]


def durations(found: Sequence[tuple[str, int]], title: str, description: str) -> Markup:
    """How many items took how long."""
    return _both("durations", title, description, lambda size: _bars(found, size))


def briefly(seconds: float) -> str:
    """`20 ms`, `5 s`, `2 min`, `1 h`, which no line break parts."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}\xa0ms"
    if seconds < 60:
        return f"{seconds:.0f}\xa0s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f}\xa0s"
    if seconds < 3600:
        return f"{seconds / 60:.0f}\xa0min"
    return f"{seconds / 3600:.3g}\xa0h"


def _both(name: str, title: str, description: str, draw: Callable[[str], Any]) -> Markup:
    """The chart in each of its sizes, of which CSS shows one."""
    drawn = "".join(_svg(draw(size), f"{name}-{size}", size, title, description) for size in SIZES)
    return Markup(f'<div class="chart {name}">{drawn}</div>')  # noqa: S704 (pygal's, and texts that ElementTree escapes)


def _config(size: str, *, short: bool = False) -> dict[str, Any]:
    width, height = SIZES[size]
    return {
        "width": width,
        "height": height * 2 // 3 if short else height,
        "js": [],
        "css": [],
        "no_prefix": True,
        "show_legend": False,
        "show_dots": False,
        "margin": 6,
        "margin_right": 18,
        "spacing": 6,
        "truncate_label": -1,
        "show_x_guides": False,
    }


def _lines(
    lines: Sequence[Line], highest: float, size: str, words: Callable[[float], str], *, short: bool = False
) -> ElementTree.Element:
    ends = max((at for line in lines for at, _ in line.values), default=1.0)
    ticks = _ticks(highest, 3 if short else 5)
    chart = pygal.XY(
        **_config(size, short=short),
        x_labels=_times(ends, 8 if size == "wide" else 4),
        y_labels=_labelled(ticks, words),
        range=(0, ticks[-1]),
        xrange=(0, ends),
        x_value_formatter=_elapsed,
    )
    names = []
    for line in lines:
        for part in _parts(line.values, POINTS[size]):
            chart.add("", part, fill=line.filled)
            names.append(line.name)
    return _named(chart, names)


def _bars(found: Sequence[tuple[str, int]], size: str) -> ElementTree.Element:
    ticks = _ticks(max((count for _, count in found), default=1), 5, whole=True)
    every = math.ceil(len(found) / (11 if size == "wide" else 5))
    labels = [words if number % every == 0 else "" for number, (words, _) in enumerate(found)]
    chart = pygal.Bar(
        **_config(size),
        x_labels=labels,
        y_labels=_labelled(ticks, lambda value: f"{value:,.0f}"),
        range=(0, ticks[-1]),
    )
    chart.add("", [count for _, count in found])
    return _named(chart, ["counted"])


def _parts(values: Sequence[tuple[float, float | None]], most: int) -> Iterator[list[tuple[float, float]]]:
    """The pieces of a line between its breaks, thinned out."""
    every = max(1, math.ceil(len(values) / most))
    for known, some in groupby(values, key=lambda each: each[1] is not None):
        part = [(at, value) for at, value in some if value is not None]
        if known:
            yield [_middle(part[start : start + every]) for start in range(0, len(part), every)]


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(at for at, _ in points) / len(points), sum(value for _, value in points) / len(points)


def _ticks(highest: float, count: int, *, whole: bool = False) -> list[float]:
    """Round numbers from 0 to above the highest. whole: of what is counted."""
    rough = max(highest, 1e-9) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    step = max(step, 1.0) if whole else step
    return [round(number * step, 10) for number in range(math.ceil(highest / step) + 1)] or [0.0, 1.0]


def _labelled(ticks: Sequence[float], words: Callable[[float], str]) -> list[dict[str, Any]]:
    """Labels of one width, so that charts below one another have their axes in one line."""
    return [{"label": words(tick).rjust(LABEL, FIGURE_SPACE), "value": tick} for tick in ticks]


def _times(ends: float, count: int) -> list[float]:
    """Round times from 0 to the end."""
    step = next((each for each in TIMES if ends / each <= count), 0) or 86400 * math.ceil(
        ends / 86400 / count
    )
    return [float(at) for at in range(0, int(ends) + 1, step)]


def _elapsed(seconds: float) -> str:
    """A time since the start, on an axis."""
    whole = round(seconds)
    if whole == 0:
        return "0"
    if whole % 86400 == 0:
        return f"{whole // 86400} d"
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02}" if minutes else f"{hours} h"
    return f"{minutes} min" if whole % 60 == 0 else f"{whole} s"


def _named(chart: Any, names: Sequence[str]) -> ElementTree.Element:
    """What pygal draws, without its style and its script, and with the names of its lines as classes."""
    root = ElementTree.fromstring(chart.render(is_unicode=True, disable_xml_declaration=True))  # noqa: S314 (our own)
    for parent in list(root.iter()):
        for child in list(parent):
            tag, kind = child.tag.rpartition("}")[2], child.get("class", "")
            if kind == "background":
                child.set("fill", "none")
            if tag in LEFT_OUT or kind.endswith("overlay") or kind == "titles":
                parent.remove(child)
    for number, name in enumerate(names):
        for element in root.iter(f"{{{SVG}}}g"):
            if f"serie-{number} " in f"{element.get('class', '')} ":
                element.set("class", f"line {name}")
                for attribute, colour in COLOURS[name].items():
                    element.set(attribute, colour)
    return root


def _svg(root: ElementTree.Element, name: str, size: str, title: str, description: str) -> str:
    root.attrib.pop("id", None)
    root.set("class", f"pygal {size}")
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for number, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(number, element)
    return ElementTree.tostring(root, encoding="unicode")

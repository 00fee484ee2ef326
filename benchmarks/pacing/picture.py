"""Rate against allowance over time, as an SVG file: no library is needed for a few lines on a grid."""

from __future__ import annotations

from collections.abc import Sequence

from .drive import Trace
from .measure import Counter
from .tenants import Tenant

WIDTH, HEIGHT, LEFT, TOP, GAP = 760, 150, 50, 28, 44
STEP = 5.0
"""Seconds over which the goodput is averaged."""
STYLE = (
    "text{font:12px sans-serif;fill:#444}.t{font-weight:bold}.g{stroke:#ddd}.a{fill:none;stroke:#111;"
    "stroke-dasharray:5 3}.r{fill:none;stroke:#c60;stroke-width:1}.o{fill:none;stroke:#06c;stroke-width:1.5}"
)

LEGEND = (
    '<tspan fill="#111">dashed: allowed</tspan>, <tspan fill="#c60">orange: pace</tspan>, '
    '<tspan fill="#06c">blue: accepted, mean of 5 s</tspan>'
)


def picture(panels: Sequence[tuple[Tenant, Trace]], seconds: float = 600.0) -> str:
    """One panel a tenant: the allowance dashed, the rate chosen in orange, the goodput in blue."""
    height = TOP + len(panels) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 25} {height}">',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT + WIDTH}" y="18" text-anchor="end">items per second: {LEGEND}</text>',
    ]
    for index, (tenant, trace) in enumerate(panels):
        parts.append(f'<g transform="translate({LEFT} {TOP + index * (HEIGHT + GAP)})">')
        parts += _panel(tenant, trace, seconds)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(tenant: Tenant, trace: Trace, seconds: float) -> list[str]:
    top = 1.6 * max(tenant.profile.rates)
    end = min(seconds, trace.last)
    accepted = Counter(trace.accepted)
    ticks = [index * STEP for index in range(int(end / STEP))]
    goodput = [(at + STEP / 2, accepted.between(at, at + STEP) / STEP) for at in ticks]
    starts = [*tenant.profile.starts, seconds]
    allowed = [(at, tenant.profile.at(at - side)) for at in starts for side in (1e-6, -1e-6)]
    chosen = [point for point in trace.rates if point[0] <= end]
    grid = []
    for share in (0.0, 0.5, 1.0):
        value = share * max(tenant.profile.rates)
        y = HEIGHT * (1 - value / top)
        grid.append(f'<path class="g" d="M0 {y:.1f}H{WIDTH}"/>')
        grid.append(f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    marks = [
        f'<text x="{WIDTH * at / seconds:.0f}" y="{HEIGHT + 15}" text-anchor="middle">{at:.0f} s</text>'
        for at in (0, 100, 200, 300, 400, 500, 600)
    ]
    title = f'<text class="t" y="-8">{tenant.name}</text>'
    lines = [
        _line(kind, points, seconds, top) for kind, points in (("r", chosen), ("o", goodput), ("a", allowed))
    ]
    return [title, *grid, *marks, *lines]


def _line(kind: str, points: Sequence[tuple[float, float]], seconds: float, top: float) -> str:
    places = " ".join(
        f"{WIDTH * at / seconds:.1f},{HEIGHT * (1 - min(value, top) / top):.1f}" for at, value in points
    )
    return f'<polyline class="{kind}" points="{places}"/>'

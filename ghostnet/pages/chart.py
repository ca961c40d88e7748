"""The chart of the value locked, as SVG that is drawn on the server: it needs neither a library nor a script.

A script adds a cursor that reads the values (`chart.js`, `docs/decisions/0022-the-face.md`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache

from ghostnet.pages.wording import in_tokens
from indexer.domain.units import DATA
from indexer.selectors import chart as selectors
from indexer.selectors.chart import ChartPoint
from indexer.selectors.periods import MAX_BUCKETS, Buckets, Interval
from indexer.selectors.snapshot import IndexedBlock

WIDTH: Final = 720
HEIGHT: Final = 200
LEFT: Final = 60
"""Room for the values at the left, and for the times below."""
BOTTOM: Final = 22
TOP: Final = 12
_X: Final = WIDTH - LEFT - 8
_Y: Final = HEIGHT - BOTTOM - TOP
LONG_GAP: Final = 3
"""Buckets without any change from which on the line is drawn as a gap."""
MAX_DAYS: Final = 400
"""Days from which on the whole history is drawn by weeks."""
MAX_POINTS: Final = 180
"""Points of a line: more could not be distinguished."""
LONGEST_HISTORY: Final = (MAX_BUCKETS - 2) * Interval.WEEK.width
"""What the chart of all time shows, of a chain whose clock was turned by centuries too."""
MARGIN: Final = 0.06
"""The share of a span at its ends that gets no time, as a phone's larger text would cover a value or be cut off."""
KEPT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at an axis: its place in the drawing, and its text."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing in a box of WIDTH × HEIGHT: lines where the value changed, gaps where nothing did, the area below.

    `values` are the points' values in DATA, from `start` (unix seconds) on, each `step` seconds later, for the cursor.
    """

    name: str
    area: str
    lines: Sequence[str]
    gaps: Sequence[str]
    rows: Sequence[Tick]
    columns: Sequence[Tick]
    resets: Sequence[Tick]
    values: str
    start: int
    step: int
    summary: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - 8
    top: int = TOP
    floor: int = HEIGHT - BOTTOM


def charts(block: IndexedBlock, tvl: int) -> list[Chart]:
    """The value locked over the last 24 hours, 7 days and 30 days, and over all time; `tvl` is its value now, in wei.

    Spans without two points are left out.
    """
    return [drawn for name, points, resets in _histories(block) if (drawn := draw(name, points, resets, tvl))]


def _histories(block: IndexedBlock) -> list[tuple[str, list[ChartPoint], list[datetime]]]:
    """The points and resets of each span. Kept for KEPT_SECONDS, since a bucket lasts for an hour or longer."""
    key = f"chart:{block.chain_id}:{Interval.HOUR.floor(block.block_time).isoformat()}"
    found: list[tuple[str, list[ChartPoint], list[datetime]]] | None = cache.get(key)
    if found is None:
        hours = selectors.tvl_points(_last(block, Interval.HOUR, timedelta(days=30)))
        first = selectors.first_change() or block.block_time
        age = min(block.block_time - first, LONGEST_HISTORY)
        by = Interval.WEEK if age > timedelta(days=MAX_DAYS) else Interval.DAY if age.days >= 30 else Interval.HOUR
        everything = hours if by is Interval.HOUR else selectors.tvl_points(_last(block, by, age))
        resets = selectors.resets_since(first)
        spans = [("24 h", hours[-25:]), ("7 d", hours[-169:]), ("30 d", thin(hours)), ("all", thin(everything))]
        found = [(name, points, resets) for name, points in spans]
        cache.set(key, found, KEPT_SECONDS)
    return found


def thin(points: Sequence[ChartPoint]) -> list[ChartPoint]:
    """At most MAX_POINTS of the points, at equal distances, the last one among them."""
    each = -(-len(points) // MAX_POINTS)
    groups = [points[max(0, end - each) : end] for end in range(len(points), 0, -each)] if each else []
    return [replace(group[-1], changed=any(point.changed for point in group)) for group in reversed(groups)]


def _last(block: IndexedBlock, interval: Interval, span: timedelta) -> Buckets:
    return Buckets.up_to(block.block_time, interval, block.block_time - span)


def draw(name: str, points: Sequence[ChartPoint], resets: Sequence[datetime], tvl: int) -> Chart | None:
    """A chart of points at equal distances, from 0 up, the last one at the value now; None for fewer than two."""
    if len(points) < 2:
        return None
    values = [*(point.tvl for point in points[:-1]), tvl]
    step = points[1].time - points[0].time
    start, end = points[0].time + step, points[-1].time + step  # a point is its bucket's end
    top = _round_up(max(values))
    places = [
        f"{LEFT + index * _X / (len(values) - 1):.1f},{TOP + _Y - _Y * value / top:.1f}"
        for index, value in enumerate(values)
    ]
    lines, gaps = _pieces(places, points)

    def place(time: datetime) -> float:
        return round(LEFT + _X * ((time - start) / (end - start)), 1)

    return Chart(
        name=name,
        area=f"{LEFT},{TOP + _Y} {' '.join(places)} {LEFT + _X},{TOP + _Y}",
        lines=lines,
        gaps=gaps,
        rows=[Tick(round(TOP + _Y - _Y * part / 4, 1), _compact(top * part // 4)) for part in range(5)],
        columns=[Tick(place(time), text) for time, text in _times(start, end)],
        resets=[Tick(place(time), f"reset {time:%Y-%m-%d %H:%M} UTC") for time in resets if start <= time <= end],
        values=" ".join(str(value // DATA) for value in values),
        start=int(start.timestamp()),
        step=int(step.total_seconds()),
        summary=f"lowest {in_tokens(min(values))} DATA, highest {in_tokens(max(values))} DATA",
    )


def _pieces(places: Sequence[str], points: Sequence[ChartPoint]) -> tuple[list[str], list[str]]:
    """The points of the lines, and of the gaps between them: stretches of LONG_GAP buckets without any change."""
    lines: list[str] = []
    gaps: list[str] = []
    current = [places[0]]
    index = 1
    while index < len(places):
        end = index
        while end < len(points) - 1 and not points[end].changed:
            end += 1
        if end - index >= LONG_GAP:
            lines.append(" ".join(current))
            gaps.append(f"{places[index - 1]} {places[end]}")
            current = [places[end]]
            index = end + 1
        else:
            current.append(places[index])
            index += 1
    return [line for line in [*lines, " ".join(current)] if " " in line], gaps


def _round_up(value: int) -> int:
    """The next number of 1, 2 or 4 with zeros behind, in wei; for an axis whose quarters are round."""
    size = DATA
    while True:
        for factor in (1, 2, 4, 8):
            if value <= factor * size:
                return factor * size
        size *= 10


def _compact(wei: int) -> str:
    """Wei as DATA for an axis: `25`, `2.5k`, `10M`."""
    value = wei / DATA
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _times(start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Round times between two, some four of them, with their texts in UTC."""
    span = end - start
    width = next((width for width in _WIDTHS if span / width <= 7), span / 6)
    first = start.replace(minute=0, second=0, microsecond=0)
    if width >= timedelta(days=1):
        first = first.replace(hour=0)
    elif width >= timedelta(hours=1):
        hours = width // timedelta(hours=1)
        first = first.replace(hour=first.hour // hours * hours)
    found: list[tuple[datetime, str]] = []
    time = first
    while time <= end:
        if start + span * MARGIN <= time <= end - span * MARGIN:
            found.append((time, f"{time:%H:%M}" if width < timedelta(days=1) else f"{time:%d %b}"))
        time += width
    return found


_WIDTHS: Final = [
    *(timedelta(hours=hours) for hours in (1, 2, 4, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 5, 7, 14, 30, 61, 122, 365)),
]

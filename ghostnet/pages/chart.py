"""A line chart as SVG, drawn on the server: it needs neither a library nor a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 140


@dataclass(frozen=True, slots=True)
class Chart:
    """The points of a polyline in a box of WIDTH × HEIGHT, and of the area below it."""

    line: str
    area: str
    width: int = WIDTH
    height: int = HEIGHT


def draw(values: Sequence[int]) -> Chart | None:
    """A chart of values at equal distances, from 0 up; None for fewer than two."""
    if len(values) < 2:
        return None
    most = max(*values, 1)
    step = WIDTH / (len(values) - 1)
    points = " ".join(f"{index * step:.1f},{HEIGHT - value / most * HEIGHT:.1f}" for index, value in enumerate(values))
    return Chart(points, f"0,{HEIGHT} {points} {WIDTH},{HEIGHT}")

"""A clock for the benchmarks, and how what it measured is shown."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Call a function; return the seconds that it took, and its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def shown(ages: Sequence[float]) -> str:
    """Milliseconds in rising order, summed up: median, p99 and the slowest."""
    half, most = ages[len(ages) // 2], ages[int(len(ages) * 0.99)]
    return f"p50 {half:.1f} ms  p99 {most:.1f} ms  slowest {ages[-1]:.1f} ms"

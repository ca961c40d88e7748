"""How long something takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that a call took, and what it returned."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result

"""A clock for the benchmarks, and the form in which times are shown."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def time_call(work: Callable[[], T]) -> tuple[float, T]:
    """Call a function; return the seconds that it took, and its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def shown(ages: Sequence[float]) -> str:
    """A summary of sorted times in milliseconds: median, p90, p99 and the slowest."""
    half, tenth, most = (ages[int(len(ages) * share)] for share in (0.5, 0.9, 0.99))
    return f"p50 {half:.1f} ms  p90 {tenth:.1f} ms  p99 {most:.1f} ms  slowest {ages[-1]:.1f} ms"


def processor_seconds(pid: int, *, with_children: bool = False) -> float:
    """The processor time that a process has used, with that of its children, also of those that have ended."""
    fields = _stat(pid)
    ticks = sum(map(int, fields[11 : 15 if with_children else 13]))
    seconds = ticks / os.sysconf("SC_CLK_TCK")
    if with_children:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if parent_of(int(folder.name)) == pid:
                    seconds += processor_seconds(int(folder.name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended, and counts for its parent
    return seconds


def parent_of(pid: int) -> int:
    """The process that has started another one."""
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third one on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()

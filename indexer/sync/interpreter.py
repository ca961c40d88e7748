"""Settings of the Python interpreter that suit indexing: garbage collection, and the thread switch interval."""

import gc
import sys
from functools import cache
from typing import Final

GC_THRESHOLDS: Final = (100_000, 50, 100)
"""Rows and events are many, short-lived and free of cycles: frequent collections cost a quarter of the time."""
SWITCH_SECONDS: Final = 0.0005
"""Seconds after which a busy thread yields to one whose I/O is done: the writer needs little CPU, but often."""


def tune_interpreter() -> None:
    """Apply the settings to this process, and exclude all objects of the first call from garbage collection."""
    sys.setswitchinterval(SWITCH_SECONDS)
    _freeze_once()
    gc.set_threshold(*GC_THRESHOLDS)


@cache
def _freeze_once() -> None:
    gc.freeze()

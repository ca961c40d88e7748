"""Limit the number of log lines that clients can cause."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ghostnet.http.threads import API_THREADS, PAGE_THREADS

MAX_LINES: Final = 20
"""Lines of one kind in a minute."""
SECONDS: Final = 60.0
LOGGERS: Final = ("django.", "axes", "daphne", "twisted", "autobahn", "asyncio", "ghostnet.http.")
"""The beginnings of the names of loggers of what requests cause."""


@dataclass(slots=True)
class _Kind:
    since: float
    lines: int = 0
    left_out: int = 0


class FewOfAKind(logging.Filter):
    """Passes MAX_LINES records of a kind in a minute; the next one after that has the number of others as `left_out`.

    A kind is what one logger says with one level, and one status (Django's `status_code`) if it names any. Counted are
    records of LOGGERS, and all from threads that work for requests; others all pass. `clock` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[Any, ...], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        is_of_requests = (record.threadName or "").startswith((API_THREADS, PAGE_THREADS))
        if not is_of_requests and not record.name.startswith(LOGGERS):
            return True
        now, key = self._clock(), (record.name, record.levelno, getattr(record, "status_code", None))
        kind = self._kinds.setdefault(key, _Kind(now))
        if now - kind.since >= SECONDS:
            if kind.left_out:
                record.left_out = kind.left_out
            self._kinds[key] = kind = _Kind(now)
        if kind.lines == MAX_LINES:
            kind.left_out += 1
            return False
        kind.lines += 1
        return True

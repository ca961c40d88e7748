"""How indexing goes: a progress bar on a terminal, one structured line per interval elsewhere."""

import logging
import time
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indexer.store.rollback import Rollback

logger = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 5.0
REDRAW_SECONDS: Final = 0.5


class Observer(Protocol):
    """Who watches the loop: a progress bar, log lines, metrics."""

    def applied(self, block: int, head: int | None, blocks: int, logs: int) -> None:
        """So many blocks with so many logs were applied, up to `block`."""

    def rolled_back(self, rollback: Rollback) -> None:
        """A reorg was undone."""


class Rates:
    """Blocks and logs, in all and per second since the last look."""

    def __init__(self) -> None:
        self.blocks = 0
        self.logs = 0
        self._seen = (time.monotonic(), 0, 0)

    def count(self, blocks: int, logs: int) -> None:
        self.blocks += blocks
        self.logs += logs

    def take(self) -> tuple[float, float]:
        """Blocks and logs per second since the last call."""
        now = time.monotonic()
        since, blocks, logs = self._seen
        self._seen = (now, self.blocks, self.logs)
        seconds = max(now - since, 1e-9)
        return (self.blocks - blocks) / seconds, (self.logs - logs) / seconds


class LogReporter:
    """One line every five seconds, its figures as fields for machines."""

    def __init__(self) -> None:
        self._rates = Rates()
        self._due = time.monotonic() + INTERVAL_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger.info("indexed %d blocks with %d logs in all", self._rates.blocks, self._rates.logs)

    def applied(self, block: int, head: int | None, blocks: int, logs: int) -> None:
        self._rates.count(blocks, logs)
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + INTERVAL_SECONDS
        block_rate, log_rate = self._rates.take()
        lag = (head or block) - block
        fields = {
            "block": block,
            "head": head,
            "lag_blocks": lag,
            "blocks_per_second": round(block_rate, 1),
            "logs_per_second": round(log_rate),
        }
        logger.info(
            "block %d, %d behind, %.1f blocks/s, %.0f logs/s",
            block,
            lag,
            block_rate,
            log_rate,
            extra={"fields": fields},
        )

    def rolled_back(self, rollback: Rollback) -> None:
        """The pipeline logs it."""


class ProgressReporter:
    """A bar with rates, lag and the time that is left."""

    def __init__(self, first: int, last: int | None) -> None:
        self._first = first
        self._last = last
        self._rates = Rates()
        self._shown = 0.0
        self._block, self._head = first - 1, last
        self._progress = Progress(
            TextColumn("block {task.fields[block]}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("index", total=None, block=first, speed="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show()
        self._progress.stop()

    def applied(self, block: int, head: int | None, blocks: int, logs: int) -> None:
        self._rates.count(blocks, logs)
        self._block, self._head = block, head
        if time.monotonic() - self._shown > REDRAW_SECONDS:
            self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        block, head = self._block, self._head
        block_rate, log_rate = self._rates.take()
        end = max(block, head or block) if self._last is None else self._last
        self._progress.update(
            self._task,
            completed=block - self._first + 1,
            total=end - self._first + 1,
            block=block,
            speed=f"{block_rate:,.0f} blocks/s, {log_rate:,.0f} logs/s, {end - block} behind",
        )

    def rolled_back(self, rollback: Rollback) -> None:
        self._progress.console.print(f"reorg: {rollback.depth} blocks dropped down to {rollback.ancestor}")

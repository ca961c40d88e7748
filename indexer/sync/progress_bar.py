"""An observer that draws a progress bar on a terminal."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indexer.store.alarms import AlarmKind
from indexer.store.rollback import Rollback
from indexer.sync.observer import Applied, Observer
from indexer.sync.reporters import Rates

REDRAW_SECONDS: Final = 0.5


class ProgressReporter(Observer):
    """Draws a progress bar with rates, lag and remaining time on the terminal."""

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

    def applied(self, applied: Applied) -> None:
        self._rates.count(applied.blocks, applied.logs)
        self._block, self._head = applied.block, applied.head
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

    def alarmed(self, kind: AlarmKind, message: str | None) -> None:
        self._progress.console.print(f"alarm over: {kind}" if message is None else f"[red]ALARM {kind}: {message}")

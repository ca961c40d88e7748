"""Observers that write to the log: a line per incident, and one per interval."""

import logging
import time
from types import TracebackType
from typing import Final, Self

from indexer.domain.units import block_of
from indexer.store.alarms import AlarmKind
from indexer.store.rollback import Rollback
from indexer.sync.observer import Applied, Observer

logger = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 5.0


class EventLog(Observer):
    """Logs each incident that an operator should read: undecoded logs, upgrades, assumed deaths, reorgs, alarms."""

    def applied(self, applied: Applied) -> None:
        for log in applied.undecoded:
            where = block_of(log.id), log.address, log.tx_hash
            logger.warning("block %d: a log of %s in tx %s was kept, but not decoded: %s", *where, log.reason)
        if upgrades := applied.events.get("Upgraded"):
            blocks = f"blocks {applied.block - applied.blocks + 1} to {applied.block}"
            logger.info("Upgraded in %s, %d times: proxies got new code, whose events may differ", blocks, upgrades)
        for death in applied.assumed_deaths:
            logger.warning("scan %d: assumed that %s died; see docs/decisions/0005", death.scan_id, death.address)

    def rolled_back(self, rollback: Rollback) -> None:
        logger.warning(
            "reorg: %d blocks dropped down to %d, %d rows undone in %.0f ms",
            rollback.depth,
            rollback.ancestor,
            rollback.rows_undone,
            rollback.duration * 1000,
            extra={"reorg_depth": rollback.depth, "common_ancestor": rollback.ancestor},
        )

    def alarmed(self, kind: AlarmKind, message: str | None) -> None:
        if message is None:
            logger.warning("alarm over: %s", kind)
        else:
            logger.error("ALARM %s: %s", kind, message, extra={"alarm": str(kind)})


class Rates:
    """Counts blocks and logs, in all and per second since the last call of `take`."""

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


class LogReporter(Observer):
    """Logs a line with rates and lag every five seconds, its figures also as fields for machines."""

    def __init__(self) -> None:
        self._rates = Rates()
        self._due = time.monotonic() + INTERVAL_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger.info("indexed %d blocks with %d logs in all", self._rates.blocks, self._rates.logs)

    def applied(self, applied: Applied) -> None:
        self._rates.count(applied.blocks, applied.logs)
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + INTERVAL_SECONDS
        block_rate, log_rate = self._rates.take()
        fields = {
            "block": applied.block,
            "head": applied.head,
            "lag_blocks": applied.lag,
            "blocks_per_second": round(block_rate, 1),
            "logs_per_second": round(log_rate),
        }
        logger.info(
            "block %d, %d behind, %.1f blocks/s, %.0f logs/s",
            applied.block,
            applied.lag,
            block_rate,
            log_rate,
            extra={"fields": fields},
        )

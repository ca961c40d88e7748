"""The indexer's Prometheus metrics, and the observer that updates them."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from indexer.store.alarms import AlarmKind
from indexer.store.rollback import Rollback
from indexer.sync.observer import Applied, Observer

BLOCKS: Final = Counter("indexer_blocks_processed", "Blocks applied, those of dropped forks included")
EVENTS: Final = Counter("indexer_events_processed", "Events applied, by name", ["event"])
UNDECODED: Final = Counter("indexer_undecoded_logs", "Logs of our contracts that were kept raw")
INDEXED: Final = Gauge("indexer_indexed_block", "The last applied block")
LAG: Final = Gauge("indexer_block_lag", "Blocks between the last applied one and the node's head")
REORGS: Final = Counter("indexer_reorgs", "Reorgs undone")
REORG_DEPTH: Final = Histogram(
    "indexer_reorg_depth_blocks", "Blocks dropped by a reorg", buckets=(1, 2, 4, 8, 16, 32, 64, 256, 1024, 8192)
)
REORG_SECONDS: Final = Histogram("indexer_reorg_duration_seconds", "Time that a rollback took")
HEALED: Final = Counter("indexer_healed", "Times that logs which a node had left out were found, and indexed")
PAUSED: Final = Gauge("indexer_paused", "1 while an operator has paused indexing")
ALARM: Final = Gauge("indexer_alarm", "1 while an alarm of this kind stands", ["kind"])
DATABASE_SIZE: Final = Gauge("indexer_database_bytes", "Size of the whole database")
AUDITS: Final = Counter("indexer_audits", "Audits finished, by result: clean, differences or impossible", ["result"])
AUDIT_DIFFERENCES: Final = Gauge("indexer_audit_differences", "Differences that the last audit found")
AUDITED_BLOCK: Final = Gauge("indexer_audited_block", "The block of the last audit")


class MetricsObserver(Observer):
    """Updates the metrics of blocks, events, reorgs and alarms."""

    def applied(self, applied: Applied) -> None:
        BLOCKS.inc(applied.blocks)
        UNDECODED.inc(len(applied.undecoded))
        for name, count in applied.events.items():
            EVENTS.labels(name).inc(count)
        INDEXED.set(applied.block)
        LAG.set(applied.lag)

    def rolled_back(self, rollback: Rollback) -> None:
        REORGS.inc()
        REORG_DEPTH.observe(rollback.depth)
        REORG_SECONDS.observe(rollback.duration)
        INDEXED.set(rollback.ancestor)

    def alarmed(self, kind: AlarmKind, message: str | None) -> None:
        ALARM.labels(kind).set(0 if message is None else 1)

"""The metrics of the indexing loop; that the process serves them is tested with the audit."""

from prometheus_client import REGISTRY

from indexer.records.rows import ChainEventRow, UndecodedLogRow
from indexer.store.alarms import AlarmKind
from indexer.store.rollback import Rollback
from indexer.sync.metrics import MetricsObserver
from indexer.sync.observer import Applied


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def test_batches_are_counted_by_event_and_measured_against_the_head() -> None:
    events = [ChainEventRow(1, 0, "0x", 0, "GhostCore", name, "{}") for name in ("JackedIn", "JackedIn", "Paused")]  # type: ignore[arg-type]
    odd = UndecodedLogRow(2, 0, "0x", 0, "0x", "[]", "0x", "no topics")  # type: ignore[arg-type]
    before = {name: value(name) for name in ("indexer_blocks_processed_total", "indexer_undecoded_logs_total")} | {
        "JackedIn": value("indexer_events_processed_total", event="JackedIn")
    }
    MetricsObserver().applied(Applied.of(90, 100, 7, {ChainEventRow: events, UndecodedLogRow: [odd]}))
    assert value("indexer_blocks_processed_total") - before["indexer_blocks_processed_total"] == 7
    assert value("indexer_undecoded_logs_total") - before["indexer_undecoded_logs_total"] == 1
    assert value("indexer_events_processed_total", event="JackedIn") - before["JackedIn"] == 2
    assert (value("indexer_indexed_block"), value("indexer_block_lag")) == (90, 10)


def test_reorgs_are_counted_and_measured() -> None:
    names = ("indexer_reorgs_total", "indexer_reorg_depth_blocks_sum", "indexer_reorg_duration_seconds_count")
    before = [value(name) for name in names]
    MetricsObserver().rolled_back(Rollback(ancestor=50, depth=12, rows_undone=3, duration=0.25))
    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [1, 12, 1]
    assert value("indexer_indexed_block") == 50


def test_alarms_stand_until_they_are_over() -> None:
    observer = MetricsObserver()
    observer.alarmed(AlarmKind.DEEP_REORG, "300 blocks")
    assert value("indexer_alarm", kind="deep_reorg") == 1
    observer.alarmed(AlarmKind.DEEP_REORG, None)
    assert value("indexer_alarm", kind="deep_reorg") == 0

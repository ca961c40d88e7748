"""One round of upkeep: refresh the aggregates, compress, retire, in this order, and record what was done."""

import time
from collections.abc import Callable
from typing import Any

from psycopg import Connection

from indexer.store.lock import UPKEEP_LOCK
from indexer.timescale.aggregates import refresh_aggregates
from indexer.timescale.chain_time import ChainTime, chain_time
from indexer.timescale.columnstore import compress_chunks
from indexer.timescale.features import has_timescaledb
from indexer.timescale.plan import UpkeepPlan
from indexer.timescale.retention import retire_history


def run_upkeep(connection: Connection[Any], plan: UpkeepPlan) -> dict[str, str]:
    """Run upkeep once; return the summary of each step by its name.

    Nothing is done without TimescaleDB, before anything is indexed, or while another session does a round. Each step
    may be interrupted at any point: the next round completes it. Needs a connection in autocommit mode.
    """
    if not has_timescaledb(connection) or not UPKEEP_LOCK.try_acquire(connection):
        return {}
    try:
        now = chain_time(connection, plan.reorg_depth)
        if now is None:
            return {}
        return {
            "refresh": _step(connection, now, "refresh", lambda: refresh_aggregates(connection, now.finalized)),
            "compress": _step(connection, now, "compress", lambda: compress_chunks(connection, now, plan)),
            "retire": _step(connection, now, "retire", lambda: retire_history(connection, now.now, plan)),
        }
    finally:
        UPKEEP_LOCK.release(connection)


def _step(connection: Connection[Any], now: ChainTime, name: str, work: Callable[[], str]) -> str:
    """Do a step and record it; return its summary."""
    started = time.monotonic()
    done = work()
    connection.execute(
        "INSERT INTO upkeep_runs (step, finished_at, chain_time, duration_ms, done)"
        " VALUES (%s, clock_timestamp(), %s, %s, %s) ON CONFLICT (step) DO UPDATE SET"
        " finished_at = EXCLUDED.finished_at, chain_time = EXCLUDED.chain_time,"
        " duration_ms = EXCLUDED.duration_ms, done = EXCLUDED.done",
        (name, now.now, round((time.monotonic() - started) * 1000), done),
    )
    return done

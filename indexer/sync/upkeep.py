"""Upkeep of TimescaleDB's aggregates and chunks, and of the daily ranks, while the indexer runs."""

import logging
import time
from typing import Final

from indexer.store.ranks import keep_ranks
from indexer.store.rollback import Rollback
from indexer.sync.background import BackgroundJob
from indexer.sync.observer import Applied, Observer
from indexer.timescale.plan import UpkeepPlan
from indexer.timescale.upkeep import run_upkeep

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 60.0


class Upkeep(Observer):
    """Makes its job due at the first block, then once a minute while blocks come, and after each reorg."""

    def __init__(self, plan: UpkeepPlan) -> None:
        self.job = BackgroundJob("upkeep", self._keep_up)
        self._plan = plan
        self._due_at = 0.0

    def applied(self, applied: Applied) -> None:
        if time.monotonic() >= self._due_at:
            self._due_at = time.monotonic() + PAUSE_SECONDS
            self.job.trigger()

    def rolled_back(self, rollback: Rollback) -> None:
        self._due_at = 0.0

    def _keep_up(self, job: BackgroundJob) -> None:
        with job.connect() as connection:
            done = run_upkeep(connection, self._plan)
            day = keep_ranks(connection, self._plan.reorg_depth)
        if done:
            logger.info("upkeep: %s", "; ".join(done.values()))
        if day:
            logger.info("upkeep: the ranks of %s are stored", day)

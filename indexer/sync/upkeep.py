"""Upkeep as a part of indexing: beside the loop, on a connection of its own."""

import logging
import threading
import time
from typing import Final

from indexer.store.database import DATABASE_ERRORS, connect
from indexer.store.rollback import Rollback
from indexer.sync.observer import Applied, Observer
from indexer.timescale.plan import UpkeepPlan
from indexer.timescale.upkeep import keep_up

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 60.0


class UpkeepThread(Observer):
    """A round of upkeep at the start, every minute in which blocks came, and after each reorg; one at a time."""

    def __init__(self, plan: UpkeepPlan) -> None:
        self._plan = plan
        self._due = 0.0
        self._thread: threading.Thread | None = None

    def applied(self, applied: Applied) -> None:
        busy = self._thread is not None and self._thread.is_alive()
        if time.monotonic() < self._due or busy:
            return
        self._due = time.monotonic() + PAUSE_SECONDS
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def rolled_back(self, rollback: Rollback) -> None:
        self._due = 0.0

    def _run(self) -> None:
        try:
            with connect() as connection:
                done = keep_up(connection, self._plan)
        except DATABASE_ERRORS as error:
            logger.warning("upkeep broke off and is tried again: %s", error)
            return
        if done:
            logger.info("upkeep: %s", "; ".join(done.values()))

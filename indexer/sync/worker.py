"""The worker's life: take the chain's lock, index, and come back when the database has been away."""

import logging
import threading
from typing import Any, Final

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.chain.errors import Interrupted, NodeUnreachable
from indexer.chain.source import BlockSource, SourceOptions
from indexer.store.alarms import AlarmKind, alarms, raise_alarm
from indexer.store.database import DATABASE_ERRORS, connect, explain, may_come_back
from indexer.store.lock import release_lock, try_lock, wait_for_lock
from indexer.sync.observer import Observer
from indexer.sync.pipeline import Chain, Pipeline
from indexer.sync.requests import Calls, Operator

logger = logging.getLogger(__name__)

START_UP_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 2.0
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0


class Worker:
    """Indexes one chain, one worker at a time; the others wait as hot standbys.

    Node and database must be there when it starts; later both are waited for.
    """

    def __init__(self, chain: Chain, source: SourceOptions, observer: Observer, operator: Operator) -> None:
        self._chain = chain
        self._source = source
        self._observer = observer
        self._operator = operator
        self._started = False
        self._pause = FIRST_PAUSE
        self.reached = chain.start_block - 1
        """The last block that was applied."""

    def run(self, last_block: int | None, until_head: bool, stop: threading.Event) -> None:
        """Index as Pipeline.run does; after a database went away, go on from its checkpoint.

        Raises GhostnetError; then an alarm says why, if the database still takes one.
        """
        while not stop.is_set():
            source = BlockSource(self._source, stop)
            try:
                with connect() as connection:
                    if not self._started:
                        source.open(patience=START_UP_SECONDS)
                        self._started = True
                    if self._lead(connection, source, last_block, until_head, stop):
                        return
            except Interrupted:
                return
            except DATABASE_ERRORS as error:
                if not self._started or not may_come_back(error):
                    raise explain(error) from error
                logger.warning("the database is away, trying again in %.1f s: %s", self._pause, error)
                stop.wait(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            finally:
                source.stop()

    def _lead(
        self,
        connection: Connection[Any],
        source: BlockSource,
        last_block: int | None,
        until_head: bool,
        stop: threading.Event,
    ) -> bool:
        """Index once the chain's lock is ours; False if an operator's request is to be obeyed before more is done."""
        if not try_lock(connection, self._chain.chain_id):
            logger.warning("another indexer of this chain is at work; waiting to take over")
            if not wait_for_lock(connection, self._chain.chain_id, stop):
                return True
        self._pause = FIRST_PAUSE
        for kind, message in alarms(connection).items():
            self._observer.alarmed(kind, message)
        self._operator.obey(connection, stop)
        self._await_node(connection, source, stop)
        pipeline = Pipeline(self._chain, source, connection, self._observer)
        try:
            with connect() as ears:
                calls = Calls(ears, stop)
                pipeline.run(last_block, until_head, calls.wanted)
        except GhostnetError as error:
            self._say_why(error)
            raise
        else:
            release_lock(connection, self._chain.chain_id)
            return not calls.operator
        finally:
            self.reached = pipeline.tip.number

    def _await_node(self, connection: Connection[Any], source: BlockSource, stop: threading.Event) -> None:
        """Wait for the node; operators' requests, most of which need none, are obeyed meanwhile."""
        while not source.is_open:
            try:
                source.open(patience=LOOK_SECONDS)
            except NodeUnreachable:
                self._operator.obey(connection, stop)

    def _say_why(self, error: GhostnetError) -> None:
        """Leave an alarm for those who look at the database only."""
        self._observer.alarmed(AlarmKind.HALTED, error.message)
        try:
            with connect() as connection:
                raise_alarm(connection, AlarmKind.HALTED, error.message)
        except DATABASE_ERRORS as trouble:
            logger.warning("no alarm could be left in the database: %s", trouble)

"""The worker: takes the chain's lock, indexes, and resumes after the database or the node was away."""

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

from indexer.base.errors import GhostnetError, Retryable
from indexer.base.retry import Backoff
from indexer.base.stopping import Interrupted
from indexer.chain.errors import NodeUnreachable
from indexer.chain.options import SourceOptions
from indexer.chain.source import BlockSource
from indexer.store.alarms import AlarmKind, alarms, raise_alarm
from indexer.store.checkpoint import ForeignDatabase, checkpoint_of
from indexer.store.database import DatabaseUnusable, connect, database_failures
from indexer.store.incidents import IncidentKind, note_incident
from indexer.store.lock import indexer_lock
from indexer.store.schema import SchemaMismatch, check_schema
from indexer.sync.background import BackgroundJob
from indexer.sync.heartbeat import Heartbeat
from indexer.sync.observer import Observer
from indexer.sync.pipeline import Chain, Pipeline
from indexer.sync.requests import RequestRunner, StopCondition

logger = logging.getLogger(__name__)

START_UP_SECONDS: Final = 5.0
POLL_SECONDS: Final = 2.0
FIRST_PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Goal:
    """When the worker is done: after `last_block` (None: never), at the head, or once `stop` is set."""

    last_block: int | None
    until_head: bool
    stop: threading.Event


class Worker:
    """Indexes one chain, one worker at a time; others wait as hot standbys for the chain's lock.

    Node and database must answer when it starts; later it waits for either. It owns its background jobs: they run
    while `run` does.
    """

    def __init__(
        self,
        chain: Chain,
        source: SourceOptions,
        observer: Observer,
        requests: RequestRunner,
        jobs: Sequence[BackgroundJob] = (),
    ) -> None:
        self._chain = chain
        self._source = source
        self._observer = observer
        self._requests = requests
        self._heartbeat = Heartbeat(chain.chain_id)
        self._jobs = [*jobs, self._heartbeat.job]
        self._lock = indexer_lock(chain.chain_id)
        self._started = False
        self._to_note: tuple[IncidentKind, str] | None = (IncidentKind.STARTED, f"process {os.getpid()}")
        """The incident to store as soon as the database can be written to."""
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        self.reached: int | None = None
        """The last block that was applied; None while another indexer is at work."""

    def run(self, last_block: int | None, until_head: bool, stop: threading.Event) -> None:
        """Index as Pipeline.run does; after a failure that may pass, resume from the checkpoint. Call it only once.

        Returns when all background jobs have ended. Raises GhostnetError; then an alarm says why, if the database can
        still store one, unless the database is another indexer's: SchemaMismatch, ForeignDatabase.
        """
        goal = _Goal(last_block, until_head, stop)
        try:
            for job in self._jobs:
                job.start()
            while not stop.is_set() and not self._attempt(goal):
                pass
        finally:
            for job in self._jobs:
                job.stop()

    def _attempt(self, goal: _Goal) -> bool:
        """Index on a new connection to database and node; return whether the work is done."""
        source = BlockSource(self._source, goal.stop)
        try:
            with database_failures(), connect() as connection:
                check_schema(connection)
                checkpoint_of(connection, self._chain.chain_id, self._chain.start_block, self._chain.contracts)
                if not self._started:
                    source.open(patience=START_UP_SECONDS)
                    self._started = True
                return self._index_with_lock(connection, source, goal)
        except Interrupted:
            return True
        except Retryable as error:
            if not self._started:
                raise
            pause = self._backoff.pause()
            self._to_note = self._to_note or (IncidentKind.INTERRUPTED, error.message)
            logger.warning("indexing was interrupted, trying again in %.1f s: %s", pause, error.message)
            goal.stop.wait(pause)
            return False
        finally:
            source.stop()

    def _index_with_lock(self, connection: Connection[Any], source: BlockSource, goal: _Goal) -> bool:
        """Index once the chain's lock is acquired; False if an operator's request is to be run before more is done."""
        if not self._lock.try_acquire(connection):
            logger.warning("another indexer of this chain is at work; waiting to take over")
            if not self._lock.acquire(connection, goal.stop):
                return True
        if self._to_note is not None:
            note_incident(connection, *self._to_note)
            self._to_note = None
        self._backoff.reset()  # a standby can be read, and its lock be taken
        for kind, message in alarms(connection).items():
            self._observer.alarmed(kind, message)
        self._wait_for_node(connection, source, goal.stop)
        with self._heartbeat.watching(source):
            self._requests.run_waiting(connection, goal.stop)
            return self._run_pipeline(connection, source, goal)

    def _run_pipeline(self, connection: Connection[Any], source: BlockSource, goal: _Goal) -> bool:
        pipeline = Pipeline(self._chain, source, connection, self._observer)
        try:
            with connect() as request_connection:
                condition = StopCondition(request_connection, goal.stop)
                pipeline.run(goal.last_block, goal.until_head, condition.is_met)
        except (Retryable, SchemaMismatch, ForeignDatabase):
            raise  # nothing is wrong with what the tables hold
        except GhostnetError as error:
            self._raise_halted_alarm(error)
            raise
        else:
            self._lock.release(connection)
            return not condition.request_waiting
        finally:
            self.reached = pipeline.tip.number

    def _wait_for_node(self, connection: Connection[Any], source: BlockSource, stop: threading.Event) -> None:
        """Wait for the node; operators' requests, most of which need none, are run meanwhile."""
        while not source.is_open:
            try:
                source.open(patience=POLL_SECONDS)
            except NodeUnreachable:
                self._requests.run_waiting(connection, stop)

    def _raise_halted_alarm(self, error: GhostnetError) -> None:
        """Record why indexing halted, on a new connection: the loop's own may be what failed."""
        self._observer.alarmed(AlarmKind.HALTED, error.message)
        try:
            with database_failures(), connect() as connection:
                raise_alarm(connection, AlarmKind.HALTED, error.message)
        except DatabaseUnusable as failure:
            logger.warning("the alarm could not be stored in the database: %s", failure.message)

"""Random histories of a chain and its indexer, drawn from a seed: forks, restarts, lost connections, bad nodes."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.state import RecordedState
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.sync import worker
from tests.chains import Recording
from tests.filling import chain_tables
from tests.indexing import index

LENGTH: Final = 20
"""How many blocks a history goes through."""
WINDOWS: Final = (("busy", 45), ("busy", 72), ("traps", 22))
"""The recordings and the blocks in them after which histories begin: amid bets, scans and cullings; where rounds end
and players die; before a reset. No change in them is hidden from a node without the contracts' state."""
DEEPEST: Final = 24
"""How many blocks the deepest fork drops: as many as the indexer expects at most."""
DEPLOYED: Final = 8
"""The block by which all contracts exist: no fork goes below it, or the node would have no contracts."""

ChainStep = Callable[[ReplayServer], None]


class Failed(AssertionError):
    """A history that did not end as the clean run; the message names the seed and what was done."""


@dataclass(frozen=True)
class Base:
    """A database that is put back to how the season stood after block `first`, and the digest to end with."""

    first: int
    digest: str
    contracts: Mapping[str, str]
    blocks: Sequence[RecordedBlock]
    state: RecordedState | None

    @classmethod
    def prepare(cls, recorded: Recording, first: int) -> Self:
        """Index a clean run into the default database, up to `first`, where a copy of the tables is kept, and on."""
        blocks = recorded.blocks[: first + LENGTH + 1]
        with ReplayServer(blocks, state=recorded.state) as server, connect() as connection:
            index(server, recorded.truth.contracts, to_block=first)
            connection.execute("CREATE SCHEMA base")
            for table in chain_tables():
                connection.execute(f"CREATE TABLE base.{table} AS SELECT * FROM {table}")
            steps = (f"DELETE FROM {t}; INSERT INTO {t} SELECT * FROM base.{t};" for t in chain_tables())
            connection.execute(f"CREATE PROCEDURE base.restore() LANGUAGE sql AS $$ {' '.join(steps)} $$")
            index(server, recorded.truth.contracts)
            return cls(first, state_digest(connection), recorded.truth.contracts, blocks, recorded.state)

    @property
    def last(self) -> int:
        return self.first + LENGTH

    def restore(self, connection: Connection[Any]) -> None:
        """Put the tables back."""
        connection.execute("CALL base.restore()")


class History:
    """One random history; `said` lists what was done."""

    def __init__(self, seed: int, base: Base) -> None:
        self.seed = seed
        self.base = base
        self.steps: list[str] = []
        self._draw = random.Random(seed)

    def run(self, connection: Connection[Any]) -> None:
        """Play it and compare. Raises Failed."""
        self.base.restore(connection)
        if self.seed % 8 == 0:
            connection.execute("VACUUM ANALYZE " + ", ".join(chain_tables()))
        state = self._draw.choice((self.base.state, None))
        self.steps.append("a node with the contracts' state" if state else "a node without the contracts' state")
        with ReplayServer(self.base.blocks, ReplayOptions(head=self.base.first), state=state) as server:
            for _ in range(self._draw.randint(1, 2)):
                for _ in range(self._draw.randint(0, 2)):
                    self._chain_step()(server)
                self._index(server, connection)
            self.steps.append(f"settle at {self.base.last}")
            server.restore_recorded(self.base.last)
            self._calm(server)
            index(server, self.base.contracts, unsettled=DEEPEST, poll_interval=0.005)
            digest = state_digest(connection)
        if digest != self.base.digest:
            raise Failed(f"seed {self.seed} from block {self.base.first}: " + "; ".join(self.steps))

    def _chain_step(self) -> ChainStep:
        """A move of the chain: blocks, a fork of a fork of any shape, or back to the recorded one."""
        draw = self._draw.random()
        if draw < 0.45:
            blocks = self._draw.randint(1, 12)
            self.steps.append(f"{blocks} blocks")
            return lambda server: server.advance(blocks)
        if draw < 0.9:
            depth = self._draw.choice((1, 2, 3, self._draw.randint(1, DEEPEST), DEEPEST))
            length = max(1, depth + self._draw.choice((0, 0, 1, self._draw.randint(-depth, 10))))
            self.steps.append(f"fork of {length} in place of {depth}")
            return lambda server: server.fork(min(depth, server.chain.head - DEPLOYED), length)
        self.steps.append("back to the recorded chain")
        return lambda server: server.restore_recorded(max(self.base.first, server.chain.head))

    def _index(self, server: ReplayServer, connection: Connection[Any]) -> None:
        """The indexer runs up to the head, perhaps on a bad node, while the chain moves and connections are lost."""
        self._trouble(server)
        batch_size = self._draw.choice((None, None, 1, 3, 20))
        moves = [self._chain_step() for _ in range(self._draw.choice((0, 0, 1, 3)))]
        kills = self._draw.choice((0, 0, 0, 1, 3))
        pauses = [self._draw.uniform(0, 0.02) for _ in range(len(moves) + kills)]
        self.steps.append(f"index by {batch_size}, {len(moves)} moves and {kills} kills meanwhile")
        deeds: list[Callable[[], object]] = [lambda move=move: move(server) for move in moves]  # type: ignore[misc]
        deeds += [lambda: kill_indexer(connection)] * kills
        self._draw.shuffle(deeds)
        meanwhile = threading.Thread(target=_do, args=(deeds, pauses))
        meanwhile.start()
        index(
            server,
            self.base.contracts,
            unsettled=DEEPEST,
            batch_size=batch_size,
            ws=self._draw.random() < 0.3,
            poll_interval=0.005,
            stop_after=self._draw.choice((None, None, self.base.first + self._draw.randint(1, LENGTH))),
        )
        meanwhile.join()

    def _trouble(self, server: ReplayServer) -> None:
        self._calm(server)
        draw = self._draw.random()
        if draw < 0.1:
            server.options.flaky = 0.1
        elif draw < 0.15:
            server.options.rate_limit = 500
        elif draw < 0.3:
            server.options.limits.max_range = self._draw.randint(1, 30)
        elif draw < 0.4:
            server.options.max_batch = self._draw.randint(1, 10)
        elif draw < 0.5:
            server.options.limits.max_results = self._draw.randint(400, 800)

    def _calm(self, server: ReplayServer) -> None:
        server.options.flaky = server.options.rate_limit = server.options.max_batch = 0
        server.options.limits.max_range = server.options.limits.max_results = 0


def kill_indexer(connection: Connection[Any]) -> None:
    """End the session that holds the chain's lock, as a crash would: what it was about to commit is lost."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


def _do(deeds: Sequence[Callable[[], object]], pauses: Sequence[float]) -> None:
    for deed, pause in zip(deeds, pauses, strict=True):
        time.sleep(pause)
        deed()


@contextmanager
def short_retry_pauses() -> Iterator[None]:
    """Workers retry after short pauses while the database is away."""
    before, worker.FIRST_PAUSE_SECONDS = worker.FIRST_PAUSE_SECONDS, 0.01  # type: ignore[misc]
    try:
        yield
    finally:
        worker.FIRST_PAUSE_SECONDS = before  # type: ignore[misc]

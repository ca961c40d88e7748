"""The times by which upkeep decides: the checkpoint's, and that of the newest block that no expected reorg drops."""

from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from indexer.timescale.chain_time import ChainTime, chain_time
from tests.indexing import index


def test_chain_time_is_that_of_the_checkpoint_and_of_the_newest_finalized_block(
    connection: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    assert chain_time(connection, reorg_depth=5) is None, "nothing is indexed"
    blocks = season[:40]
    with ReplayServer(blocks) as server:
        index(server, truth.contracts)
    times = [datetime.fromtimestamp(block.timestamp, UTC) for block in blocks]
    assert chain_time(connection, reorg_depth=5) == ChainTime(times[39], times[34])
    assert chain_time(connection, reorg_depth=39) == ChainTime(times[39], times[0])
    assert chain_time(connection, reorg_depth=40) == ChainTime(times[39], None)

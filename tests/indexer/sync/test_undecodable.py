"""Logs that can't be decoded, and blocks that can't be applied."""

from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.events import (
    Extracted,
)
from indexer.domain.units import DATA
from indexer.models import CurrentPosition, UndecodedLog
from indexer.replay.recording import RecordedLog
from indexer.rules.errors import InvariantBroken
from indexer.store.loader import Snapshot
from tests.chains import GHOST_CORE, user
from tests.indexer.store.building import deployed, index_blocks


def test_undecodable_logs_are_kept_and_do_no_harm(database: str) -> None:
    chain = deployed()
    odd = [
        RecordedLog(GHOST_CORE, [], "0x"),
        RecordedLog(GHOST_CORE, ["0x" + "ab" * 32], "0x1234"),
        RecordedLog(GHOST_CORE, ["0x" + "cd" * 32, "0x" + "00" * 32], "0x" + "5c" * 33),
    ]
    chain.block(chain.transaction(logs=odd))
    chain.jack_in(user(1), 10 * DATA, 1)
    index_blocks(chain.blocks)
    kept = UndecodedLog.objects.order_by("id")
    assert [(log.topics, log.data) for log in kept] == [(log.topics, log.data) for log in odd]
    assert CurrentPosition.objects.count() == 1


def test_a_contradiction_stops_at_its_block_again_and_again_and_writes_nothing_of_the_batch(
    connection: Connection[Any],
) -> None:
    chain = deployed()
    chain.jack_in(user(1), 10 * DATA, 1)
    chain.events(("GhostCore", Extracted(user(1), 10 * DATA, 1)))
    for _ in range(2):
        with pytest.raises(InvariantBroken, match="block 3"):
            index_blocks(chain.blocks, batch_size=1)
        assert Snapshot(connection).at_block == 2
    assert CurrentPosition.objects.get().status == "alive"

"""Logs that can't be decoded, and blocks that can't be applied."""

import re
from typing import Any

import pytest
from psycopg import Connection

from indexer.decode.decoder import topic0_of
from indexer.domain.events import Extracted, JackedIn
from indexer.domain.units import DATA
from indexer.models import CurrentPosition, UndecodedLog
from indexer.replay.recording import RecordedLog
from indexer.rules.errors import InvariantBroken
from indexer.store.alarms import AlarmKind, alarms
from indexer.store.loader import Snapshot
from indexer.sync import undecoded
from indexer.sync.undecoded import MAX_UNDECODED
from tests.chains import GHOST_CORE, encode_log, user
from tests.indexer.store.building import deployed, index_blocks


def test_undecodable_logs_are_kept_and_do_no_harm(database: str) -> None:
    chain = deployed()
    jacked_in = encode_log("GhostCore", JackedIn(user(1), 10 * DATA, 1, 10 * DATA))
    topic0, player, level = jacked_in.topics
    odd = [
        RecordedLog(GHOST_CORE, [], "0x"),
        RecordedLog(GHOST_CORE, ["0x" + "ab" * 32], "0x1234"),
        RecordedLog(GHOST_CORE, ["0x" + "cd" * 32, "0x" + "00" * 32], "0x" + "5c" * 33),
        RecordedLog(GHOST_CORE, ["0x" + "ab" * 32], "0x" + "ab" * 1_000_000),
        RecordedLog(GHOST_CORE, [topic0, player], jacked_in.data),
        RecordedLog(GHOST_CORE, [topic0, player, level, level, level], jacked_in.data),
        RecordedLog(GHOST_CORE, [topic0, player, level], "0x"),
        RecordedLog(GHOST_CORE, [topic0, player, level], jacked_in.data[:-2]),
        RecordedLog(GHOST_CORE, [topic0, player, level], jacked_in.data + "00" * 32),
        RecordedLog(GHOST_CORE, [topic0, player.replace("0x00", "0x01"), level], jacked_in.data),
        RecordedLog(GHOST_CORE, [topic0, player, level.replace("0x00", "0xff")], jacked_in.data),
    ]
    chain.block(chain.transaction(logs=odd))
    chain.jack_in(user(1), 10 * DATA, 1)
    index_blocks(chain.blocks)
    kept = UndecodedLog.objects.order_by("id")
    assert [(log.topics, log.data) for log in kept] == [(log.topics, log.data) for log in odd]
    assert CurrentPosition.objects.count() == 1


@pytest.mark.parametrize(
    ("topics", "count", "kind"),
    [
        ([topic0_of("GhostCore", "Extracted")], 1, "is of a known event"),
        (["0x" + "ab" * 32], MAX_UNDECODED + 1, r"11 of \d+ logs can't be decoded"),
    ],
    ids=["a known event", "too many"],
)
def test_logs_that_can_not_be_decoded_are_an_alarm_until_a_thousand_were_right(
    connection: Connection[Any], topics: list[str], count: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undecoded, "LOGS", 20)
    chain = deployed()
    chain.block(chain.transaction(logs=[RecordedLog(GHOST_CORE, topics, "0x1234")] * count))
    index_blocks(chain.blocks)
    assert re.search(kind, alarms(connection)[AlarmKind.UNDECODED])
    for number in range(1, 25):
        chain.jack_in(user(number), 10 * DATA, 1)
    index_blocks(chain.blocks)
    assert alarms(connection) == {}


def test_a_contradiction_stops_at_its_block_again_and_again_and_writes_nothing_of_the_batch(
    connection: Connection[Any],
) -> None:
    chain = deployed()
    chain.jack_in(user(1), 10 * DATA, 1)
    chain.block(chain.transaction(logs=[RecordedLog(GHOST_CORE, [], "0x")]))
    chain.events(("GhostCore", Extracted(user(1), 10 * DATA, 1)))
    for _ in range(2):
        with pytest.raises(InvariantBroken, match="block 4") as stopped:
            index_blocks(chain.blocks, batch_size=1)
        assert stopped.type is InvariantBroken, "a log without topics is no sign of an upgrade"
        assert Snapshot(connection).at_block == 3
    assert CurrentPosition.objects.get().status == "alive"

"""The game's state as it is loaded from the tables."""

from typing import Any

from psycopg import Connection

from indexer.domain.events import (
    DeathsProcessed,
    DeathsSubmitted,
    Extracted,
    JackedIn,
    Paused,
    ScanExecuted,
    Unpaused,
)
from indexer.domain.units import DATA
from indexer.models import CurrentPosition
from indexer.store.loader import Snapshot, load_game
from tests.chains import ADDRESSES, play, submit_deaths, user
from tests.indexer.store.building import deployed, index_blocks


def test_five_thousand_players_on_one_level_are_loaded_as_they_were(connection: Connection[Any]) -> None:
    chain = deployed()
    for start in range(0, 5000, 500):
        entries = [("GhostCore", JackedIn(user(n), 10 * DATA, 1, 10 * DATA)) for n in range(start, start + 500)]
        chain.events(*entries)
    index_blocks(chain.blocks)
    game = load_game(Snapshot(connection), ADDRESSES)
    assert game.levels[1].roster.members == [user(number) for number in range(5000)]
    assert game.positions == play(chain.blocks).positions


def test_who_died_in_an_open_scan_is_remembered_over_a_restart(connection: Connection[Any]) -> None:
    """Bob dies, withdraws while GhostCore is paused, enters again, and is listed a second time in the same scan."""
    alice, bob, level = user(1), user(2), 1
    chain = deployed()
    chain.jack_in(alice, 100 * DATA, level)
    chain.jack_in(bob, 200 * DATA, level)
    chain.events(("TraceScan", ScanExecuted(level, 1, 4711, chain.now)))
    chain.events(*death_of(200 * DATA), calldata=submit_deaths(level, [bob]))
    chain.events(("GhostCore", Paused(alice)), ("GhostCore", Extracted(bob, 200 * DATA, 0)))
    chain.events(("GhostCore", Unpaused(alice)))
    chain.jack_in(bob, 50 * DATA, level)
    restart_at = len(chain.blocks) - 1
    chain.events(*death_of(100 * DATA), calldata=submit_deaths(level, [bob, alice]))
    index_blocks(chain.blocks, to_block=restart_at)
    index_blocks(chain.blocks)
    dead = connection.execute("SELECT '0x' || encode(address, 'hex'), evidence FROM deaths ORDER BY id").fetchall()
    assert dead == [(bob, "calldata"), (alice, "calldata")]
    assert CurrentPosition.objects.get(address=bob).status == "alive"


def death_of(stake: int) -> list[tuple[str, Any]]:
    """The two events of one death on level 1 in scan 1."""
    return [
        ("GhostCore", DeathsProcessed(1, 1, stake, 0, 0)),
        ("TraceScan", DeathsSubmitted(1, 1, 1, stake, user(8))),
    ]

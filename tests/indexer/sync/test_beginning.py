"""An empty database is not filled from a block after the beginning of the game."""

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.units import DATA
from indexer.replay.server import ReplayServer
from indexer.rules.errors import BelowZero
from indexer.sync.beginning import StartsTooLate
from tests.chains import ADDRESSES, INITIALIZED, MINT, ChainBuilder, Event, user
from tests.contract_state import state_of
from tests.indexing import index
from tests.processes import checkpoint


def created_in(*blocks: tuple[list[str], list[Event]]) -> ChainBuilder:
    """A chain whose blocks from 1 on create these contracts, with these events, and then some players."""
    chain = ChainBuilder()
    for contracts, events in blocks:
        chain.block(*chain.creations(*contracts), chain.transaction(*events))
    for number in range(3):
        chain.jack_in(user(number + 1), 100 * DATA, 1)
    return chain


OTHERS = [name for name in ADDRESSES if name not in ("DataToken", "GhostCore")]
TOKEN_FIRST = (["DataToken"], [MINT]), (["GhostCore", *OTHERS], [INITIALIZED])
GAME_FIRST = (["GhostCore"], [INITIALIZED]), (["DataToken", *OTHERS], [MINT])


@pytest.mark.parametrize("blocks", [TOKEN_FIRST, GAME_FIRST], ids=["minted", "initialized"])
def test_a_start_after_the_game_began_is_refused_and_writes_nothing(
    connection: Connection[Any], blocks: Sequence[tuple[list[str], list[Event]]]
) -> None:
    chain = created_in(*blocks)
    with ReplayServer(chain.blocks, state=state_of(chain.blocks)) as node:
        with pytest.raises(StartsTooLate, match="start_block is 2, but"):
            index(node, ADDRESSES, start_block=2)
        index(node, ADDRESSES, start_block=1)
    assert checkpoint(connection) == len(chain.blocks) - 1


def test_where_the_node_can_t_show_it_the_first_rule_that_breaks_does(connection: Connection[Any]) -> None:
    chain = created_in(*TOKEN_FIRST)
    with ReplayServer(chain.blocks) as node, pytest.raises(BelowZero, match="block 3,"):
        index(node, ADDRESSES, start_block=2)
    assert checkpoint(connection) == 2

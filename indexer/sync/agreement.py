"""The last block after which the tables agree with the contracts' state: looked for when the indexer starts.

What an earlier run has written without a comparison, on a node without state or between two blocks that are compared,
may lack a change that left no log. Only an earlier block shows in which of the blocks since then it has to be.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from psycopg import Connection

from indexer.chain.errors import Inconsistent
from indexer.chain.source import BlockSource
from indexer.domain.state import ContractState
from indexer.domain.units import Hash
from indexer.rules.game import Game
from indexer.store.headers import stored_header
from indexer.store.loader import Snapshot, load_contract_state
from indexer.sync.reconciler import Tip

MAX_REAPPLIED_BLOCKS: Final = 1_000
"""Blocks that are applied again at most because they were not compared with the contracts' state."""


class Agreement(NamedTuple):
    """The last block after which the tables are known to agree, and whether they differ after a later one."""

    block: int
    differs_later: bool


def last_agreement(
    connection: Connection[Any], source: BlockSource, game: Game, tip: Tip, start_block: int
) -> Agreement | None:
    """Compare the tables with the contracts' state after the tip, where `game` stands, then after ever earlier blocks.

    None if the node has the state of none of them, if they agree after none, or if they are not to be compared.
    """
    if tip.hash is None or game.quarantined:
        return None
    differs = False
    for number in _numbers(tip.number, max(start_block, tip.number - MAX_REAPPLIED_BLOCKS)):
        theirs = _state(connection, source, number)
        if theirs is None:
            continue
        if not _our_state(connection, game, number, tip).differences(theirs):
            return Agreement(number, differs)
        differs = True
    return None


def _numbers(last: int, first: int) -> Iterator[int]:
    """Block numbers from `last` down to `first`, at distances that double."""
    number, distance = last, 1
    while number > first:
        yield number
        number, distance = number - distance, 2 * distance
    yield first


def _our_state(connection: Connection[Any], game: Game, number: int, tip: Tip) -> ContractState:
    if number == tip.number:
        return game.contract_state()
    return load_contract_state(Snapshot(connection, number), game.contracts)


def _state(connection: Connection[Any], source: BlockSource, number: int) -> ContractState | None:
    """The contracts' state after an indexed block, by its hash where that is stored; None if the node has none."""
    header = stored_header(connection, number)
    try:
        return source.state(number if header is None else header._replace(parent_hash=Hash("")))
    except Inconsistent:
        return None

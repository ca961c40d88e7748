"""The contracts' views on a hand-made chain, computed by the rules, for nodes that serve state."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from indexer.domain.chain import SilentChange
from indexer.domain.positions import ghost_streak
from indexer.replay.recording import RecordedBlock
from indexer.replay.state import RecordedState
from indexer.rules.game import Game
from tests.chains import ADDRESSES, game_after_each


def state_of(
    blocks: Sequence[RecordedBlock], silent_changes: Mapping[int, Sequence[SilentChange]] | None = None
) -> RecordedState:
    """The state after each of these blocks, the silent changes of some included."""
    return RecordedState(state_document(blocks, silent_changes or {}))


def state_document(
    blocks: Sequence[RecordedBlock], silent_changes: Mapping[int, Sequence[SilentChange]]
) -> dict[str, Any]:
    """The same as the document of a recording."""
    document: dict[str, Any] = {
        "contracts": ADDRESSES,
        "levels": defaultdict(list),
        "config": defaultdict(list),
        "positions": defaultdict(list),
        "reset": [],
        "paused": [],
        "tvl": [],
    }
    for number, game in enumerate(game_after_each(blocks, None, silent_changes)):
        state = game.contract_state()
        document["reset"].append((number, list(state.reset)))
        document["paused"].append((number, state.paused))
        document["tvl"].append((number, state.total_value_locked))
        for level, figures in state.levels.items():
            document["levels"][level].append((number, list(figures)))
            document["config"][level].append((number, list(astuple(state.configs[level]))))
        for player in document["positions"].keys() | game.positions.keys():
            document["positions"][player].append((number, _position(game, player)))
    return document


def _position(game: Game, player: str) -> list[Any]:
    """`getPosition`: zeros without a position."""
    position = next((found for address, found in game.positions.items() if address == player), None)
    if position is None:
        return [0, 0, 0, 0, 0, False, 0]
    return [
        position.amount,
        position.level,
        position.entry_time,
        position.last_add_time,
        position.reward_debt,
        position.alive,
        ghost_streak(position, game.levels[position.level]),
    ]

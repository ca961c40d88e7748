"""Positions that a transaction has changed, before its block: what web processes compute answers from."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from typing import Any, NamedTuple

from indexer.domain.levels import Level, LevelConfig
from indexer.domain.positions import Boost, Position, Status, active_boosts
from indexer.domain.units import Address
from indexer.rules.game import Game
from indexer.selectors.players import PlayerPosition
from indexer.store.tables import block_datetime


class PreconfirmedPosition(NamedTuple):
    """A player's position after a transaction of a block that is not sealed; None if the player has left."""

    player: Address
    block_number: int
    position: PlayerPosition | None


def positions_of(game: Game, players: Iterable[Address], block_number: int) -> Iterator[PreconfirmedPosition]:
    """The positions of players as they stand in a game, which is applying a block. They count as changed by it."""
    for player in players:
        stands = game.positions.get(player)
        yield PreconfirmedPosition(player, block_number, None if stands is None else _position(game, stands))


def _position(game: Game, position: Position) -> PlayerPosition:
    boosts = active_boosts(game.boosts.get(position.address, ()), game.now)
    level = game.levels[position.level]
    return PlayerPosition(position, level, boosts, game.reset.epoch, game.now, block_datetime(game.now))


def encoded(found: PreconfirmedPosition) -> bytes:
    """A position as JSON; amounts are larger than the integers that msgspec writes."""
    return json.dumps([found.player, found.block_number, found.position and _plain(found.position)]).encode()


def _plain(found: PlayerPosition) -> list[Any]:
    level = found.level
    figures = level.total_staked, level.alive_count, level.acc_rewards_per_share, level.next_scan_time
    return [
        astuple(found.position),
        [level.id, astuple(level.config), *figures, level.survived_scans],
        [astuple(boost) for boost in found.boosts],
        found.current_epoch,
        found.timestamp,
    ]


def decoded(payload: str) -> list[PreconfirmedPosition]:
    """The positions of a JSON array of encoded ones."""
    return [
        PreconfirmedPosition(player, block_number, plain and _from_plain(plain))
        for player, block_number, plain in json.loads(payload)
    ]


def _from_plain(plain: list[Any]) -> PlayerPosition:
    (address, amount, level, status, *state), (level_id, config, *figures), boosts, epoch, timestamp = plain
    return PlayerPosition(
        Position(address, amount, level, Status(status), *state),
        Level(level_id, LevelConfig(*config), *figures),
        [Boost(*boost) for boost in boosts],
        epoch,
        timestamp,
        block_datetime(timestamp),
    )

"""Apply a block: its transactions in order, each one's silent changes and logs in order."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from itertools import groupby
from operator import attrgetter
from typing import Final

from indexer.base.errors import GhostnetError
from indexer.domain.chain import Block, ConfigChange, DecodedLog, Settlement, SilentChange, TransactionContext
from indexer.domain.levels import LevelConfig
from indexer.domain.units import Address, Calldata, Hash, Json, log_index_of
from indexer.rules.game import Game
from indexer.rules.payments import claims_among, settled_by
from indexer.rules.registry import HANDLERS
from indexer.rules.settlements import settle_silently

SILENT_CHANGES: Final = "silent_changes"
"""The question under which a block's silent changes are archived, so that a rebuild needs no node."""

_tx_index = attrgetter("tx_index")


def apply_block(game: Game, block: Block) -> bool:
    """Apply a decoded block to the game; its rows stand in the game's journal afterwards.

    Returns whether the block changed or archived anything. Raises InvariantBroken, naming block and log, where chain
    and rules disagree; the game is then unusable.
    """
    game.journal.start_block(block.header.number, block.header.timestamp)
    calldata = {transaction.hash: transaction.input for transaction in block.transactions}
    changes: defaultdict[int | None, list[SilentChange]] = defaultdict(list)
    for change in block.silent_changes:
        changes[change.tx_index].append(change)
    effective: list[SilentChange] = []
    logs_of = {index: list(logs) for index, logs in groupby(block.logs, _tx_index)}
    for index in sorted(logs_of.keys() | {index for index in changes if index is not None}) if changes else logs_of:
        if index in changes:
            effective += apply_silent_changes(game, _without_shown(changes[index], logs_of.get(index, ()), game))
        if index in logs_of:
            apply_transaction(game, logs_of[index], calldata)
    effective += apply_silent_changes(game, changes[None]) if None in changes else ()
    if effective:
        game.journal.answer(SILENT_CHANGES, encode_changes(effective))
    game.finish_block()
    return bool(block.logs or effective)


def apply_transaction(game: Game, logs: Sequence[DecodedLog], calldata: Mapping[Hash, Calldata]) -> None:
    """Apply the logs of one transaction, except those in quarantine; `calldata` by transaction, where it is known."""
    tx_hash = logs[0].tx_hash
    if game.quarantined:
        logs = [log for log in logs if (log.tx_hash, log_index_of(log.event_id)) not in game.quarantined]
    game.tx = TransactionContext(calldata.get(tx_hash), claims_among(logs, game.ghost_core))
    journal = game.journal
    try:
        for event_id, _, tx_hash, contract, event in logs:
            journal.tx_hash, journal.event_id = tx_hash, event_id
            HANDLERS[contract][type(event)](game, event)
    except GhostnetError:
        raise
    except Exception as error:
        raise game.broken(f"{contract}.{type(event).__name__} can't be applied: {error!r}") from error
    if game.tx.deaths is not None:
        raise game.broken("DeathsProcessed without DeathsSubmitted after it in the transaction")


def apply_silent_changes(game: Game, changes: Sequence[SilentChange]) -> list[SilentChange]:
    """Apply silent changes; return those that really changed something."""
    effective = []
    for silent in changes:
        game.journal.tx_hash, game.journal.event_id = silent.tx_hash, None
        change = silent.change
        if isinstance(change, Settlement):
            changed = settle_silently(game, change.user)
        elif changed := game.levels[change.level].config != change.config:
            game.change_level(change.level).config = change.config
        if changed:
            effective.append(silent)
    return effective


def _without_shown(changes: Sequence[SilentChange], logs: Sequence[DecodedLog], game: Game) -> Sequence[SilentChange]:
    """Those of a transaction's silent changes that its own logs do not show: a claim that pays settles by its event."""
    settled = settled_by(logs, game.ghost_core)
    return [
        silent
        for silent in changes
        if not isinstance(silent.change, Settlement)
        or silent.change.user not in settled
        or silent.tx_hash != logs[0].tx_hash
    ]


def encode_changes(changes: Sequence[SilentChange]) -> Json:
    """Silent changes as they are archived; `decode_changes` is the inverse."""
    return Json(
        json.dumps(
            [
                [silent.tx_index, silent.tx_hash, silent.change.user]
                if isinstance(silent.change, Settlement)
                else [silent.tx_index, silent.tx_hash, silent.change.level, *map(str, astuple(silent.change.config))]
                for silent in changes
            ]
        )
    )


def decode_changes(archived: Sequence[Sequence[object]]) -> list[SilentChange]:
    """Archived silent changes, their JSON parsed."""
    found = []
    for tx_index, tx_hash, *rest in archived:
        change: ConfigChange | Settlement
        if len(rest) == 1:
            change = Settlement(Address(str(rest[0])))
        else:
            level, *figures = (int(str(value)) for value in rest)
            change = ConfigChange(level, LevelConfig(*figures))
        found.append(SilentChange(None if tx_index is None else int(str(tx_index)), Hash(str(tx_hash)), change))
    return found

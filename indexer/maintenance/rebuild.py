"""Recompute all derived tables from the archived chain, without a node: after a change of the rules."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.decode.block import Archive, decode_logs
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Block, DecodedLog, Header
from indexer.domain.units import NO_HASH, Address
from indexer.maintenance.shadow import Comparison, Shadow
from indexer.records.rows import ARCHIVE
from indexer.rules.block import SILENT_CHANGES, apply_block, decode_changes
from indexer.rules.game import Game
from indexer.rules.registry import check_handlers
from indexer.rules.witness import RememberedWitness
from indexer.store.archive import ArchivedBlock, ArchiveIncomplete, archived_blocks
from indexer.store.checkpoint import check_indexed
from indexer.store.claim import Claim, exclusive_tables
from indexer.store.loader import Snapshot, load_game, load_quarantine
from indexer.store.retention import check_whole
from indexer.store.tables import tables
from indexer.store.totals import wrong_totals

OnProgress = Callable[[int, int, int], None]
"""Called with the first and the last block of a rebuild, and the one that was just applied."""


class RebuildInterrupted(GhostnetError):
    """The rebuild was stopped before its end."""

    help = "Nothing was changed; start it again when there is time."


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A finished rebuild of the blocks `first` to `last`; `swapped` if differing tables were to be replaced."""

    first: int
    last: int
    comparisons: Sequence[Comparison]
    newly_decoded: int
    wrong_totals: Mapping[str, int]
    swapped: bool

    @property
    def differs(self) -> bool:
        return bool(self.newly_decoded or self.wrong_totals) or not all(table.same for table in self.comparisons)


def rebuild(
    connection: Connection[Any],
    from_block: int | None,
    *,
    swap: bool,
    stop: threading.Event,
    on_progress: OnProgress,
) -> Rebuilt:
    """Apply the archived blocks from `from_block` (None: the first one) to the state before it, by the current rules.

    With `swap` the result replaces the tables that differ, in one transaction at the end. Raises IndexerAtWork,
    RebuildInterrupted, NotTheWriter, BlockNotIndexed, HistoryRetired, ArchiveIncomplete, and InvariantBroken if the
    rules contradict the chain.
    """
    chain_id = Snapshot(connection).checkpoint.chain_id
    with exclusive_tables(connection, chain_id) as claim:
        return _rebuild(claim.take() if swap else claim, from_block, swap, stop, on_progress)


def _rebuild(
    claim: Claim, from_block: int | None, swap: bool, stop: threading.Event, on_progress: OnProgress
) -> Rebuilt:
    connection = claim.connection
    snapshot = Snapshot(connection)
    checkpoint = snapshot.checkpoint
    first = checkpoint.start_block if from_block is None else from_block
    check_indexed(checkpoint, first)
    contracts = {name: Address(address) for name, address in checkpoint.contracts.items()}
    check_handlers(contracts)
    game, before = _state_before(snapshot, first, contracts)
    shadow, archive = Shadow(claim, before), Archive()
    applier = _ArchiveApplier(game, LogDecoder(contracts), archive)
    shadow.create()
    try:
        for blocks in archived_blocks(snapshot, first):
            for block in blocks:
                applier.apply(block)
            shadow.append(game.journal.take())
            if stop.is_set():
                raise RebuildInterrupted(f"stopped at block {game.journal.block_number}")
            on_progress(first, snapshot.at_block, game.journal.block_number)
        rebuilt = Rebuilt(
            first, snapshot.at_block, shadow.compare(), len(archive.events), wrong_totals(connection), swap
        )
        if swap and rebuilt.differs:
            shadow.swap(rebuilt.comparisons, archive.events)
    finally:
        if not connection.closed:
            shadow.drop()
    return rebuilt


def _state_before(snapshot: Snapshot, first: int, contracts: dict[str, Address]) -> tuple[Game, Header]:
    """The game's state before block `first`, and a header of the block before it with its number and timestamp only."""
    if first == snapshot.checkpoint.start_block:
        game, timestamp = Game(contracts, quarantined=load_quarantine(snapshot)), 0
    else:
        before = Snapshot(snapshot.connection, first - 1)
        game, timestamp = load_game(before, contracts), before.timestamp()
    archive = [tables()[row].name for row in ARCHIVE]
    check_whole(snapshot.connection, archive, timestamp, f"a rebuild from block {first} on")
    return game, Header(first - 1, NO_HASH, NO_HASH, timestamp)


@dataclass(slots=True)
class _ArchiveApplier:
    """Applies archived blocks; events of logs that could not be decoded before are collected in `archive`."""

    game: Game
    decoder: LogDecoder
    archive: Archive

    def apply(self, archived: ArchivedBlock) -> None:
        changes = decode_changes(archived.answers.get(SILENT_CHANGES, ()))
        block = Block(archived.header, transactions=archived.transactions, silent_changes=changes)
        for event_id, tx_hash, tx_index, contract, name, args in archived.events:
            from_json = self.decoder.from_json.get((contract, name))
            if from_json is None:
                raise ArchiveIncomplete(f"{contract}.{name} is archived, but no ABI here has such an event")
            block.logs.append(DecodedLog(event_id, tx_index, tx_hash, contract, from_json(args)))
        if archived.undecoded:
            decode_logs(self.decoder, block, archived.undecoded, self.archive)
            block.logs.sort(key=lambda log: log.event_id)
        self.game.witness = RememberedWitness(archived.answers)
        apply_block(self.game, block)

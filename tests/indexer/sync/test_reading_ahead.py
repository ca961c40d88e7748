"""The twin of the game: what is published before a block is confirmed by the block, or dropped."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
import pytest

from indexer.chain.preconfirmed import PreconfirmedTransaction
from indexer.chain.rpc_types import WireLog, WirePendingLog
from indexer.decode.block import Archive, decode_block
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Header, Transaction
from indexer.domain.units import Address, Calldata, Hash
from indexer.records.rows import Row
from indexer.replay.chain import LiveChain
from indexer.replay.mini_blocks import MiniBlockPlan, MiniBlocks
from indexer.replay.recording import RecordedBlock
from indexer.replay.rendering import ServedBlock, Style
from indexer.replay.truth import Truth
from indexer.rules.block import apply_block
from indexer.rules.game import Game
from indexer.stream.feed import FeedItem
from indexer.stream.preconfirmed import items_of
from indexer.stream.preconfirmed_positions import PreconfirmedPosition, decoded, encoded
from indexer.sync.reading_ahead import ReadingAhead

BEFORE_A_SILENT_CHANGE = 280
"""In the block after it a penalty is settled without a log, which nothing shows before the block."""


class Player:
    """Applies a recording to a game, block by block, with a reader ahead of it."""

    def __init__(self, season: Sequence[RecordedBlock], truth: Truth, plan: MiniBlockPlan) -> None:
        self.contracts = {name: Address(address) for name, address in truth.contracts.items()}
        self.chain = LiveChain(season, Style(1), head=0)
        self.mini_blocks = MiniBlocks(self.chain, plan)
        self.decoder = LogDecoder(self.contracts)
        self.game = Game(self.contracts)
        self.published: list[FeedItem] = []
        self.sealed: list[FeedItem] = []
        self.positions: dict[Address, PreconfirmedPosition] = {}
        """Those of the open block, as they were published last."""
        self.ahead = ReadingAhead(self.decoder, self._publish)
        self.ahead.restart(0, season[0].timestamp)

    def read_ahead(self) -> list[tuple[str, str]]:
        """Read what the node announces of the next block; the transactions and data of the logs that are read."""
        transactions = list(self._announced())
        self.ahead.read(transactions, self.game)
        return [(log.transaction_hash, log.data) for one in transactions for log in one.logs]

    def logs(self) -> list[WireLog]:
        """The newest block's logs of our contracts."""
        ours = [log for log in self.chain.blocks[-1].logs if log.address in self.contracts.values()]
        return [msgspec.json.decode(log.json, type=WireLog) for log in ours]

    def seal(self) -> None:
        """Apply the next block."""
        self.chain.advance()
        block = self.chain.blocks[-1]
        header = Header(block.number, Hash(block.hash), Hash(block.parent_hash), block.timestamp)
        archive = Archive()
        transactions = [_transaction(block, index) for index in range(len(block.transactions))]
        apply_block(self.game, decode_block(self.decoder, header, transactions, self.logs(), archive))
        rows: dict[type[Row], list[Any]] = self.game.journal.take() | archive.rows()
        self.sealed += items_of(rows)
        self.ahead.sealed(header, rows)

    def _publish(self, items: Sequence[FeedItem], positions: Sequence[PreconfirmedPosition]) -> None:
        self.published += items
        self.positions |= {one.player: one for one in decoded(f"[{','.join(encoded(p).decode() for p in positions)}]")}

    def _announced(self) -> Iterator[PreconfirmedTransaction]:
        announced = [log for log in self.mini_blocks.next_part() if log.address in self.contracts.values()]
        logs = [msgspec.json.decode(log.json, type=WirePendingLog) for log in announced]
        for tx_hash, group in groupby(logs, attrgetter("transaction_hash")):
            found = list(group)
            place = self.chain.open_transactions.get(tx_hash)
            yield PreconfirmedTransaction(
                int(found[0].block_number, 16),
                Hash(tx_hash),
                found,
                None if found[0].block_timestamp is None else int(found[0].block_timestamp, 16),
                [_transaction(*place)] if place else [],
            )


def _transaction(block: ServedBlock, index: int) -> Transaction:
    one = block.transactions[index]
    return Transaction(index, Hash(one.hash), Address(one.sender), None, Calldata(one.input or "0x"))


@pytest.fixture
def player(season: list[RecordedBlock], truth: Truth) -> Callable[[MiniBlockPlan], Player]:
    return lambda plan: Player(season, truth, plan)


def test_a_season_is_published_before_its_blocks_with_one_copy_of_the_game(
    player: Callable[[MiniBlockPlan], Player],
) -> None:
    playing = player(MiniBlockPlan(10, timestamps=True))
    twins, changed = set(), 0
    while playing.chain.head < BEFORE_A_SILENT_CHANGE:
        before = len(playing.published)
        playing.positions.clear()
        playing.read_ahead()
        playing.seal()
        for address, found in playing.positions.items():
            changed += 1
            assert found.block_number == playing.chain.head
            assert (found.position and found.position.position) == playing.game.positions.get(address)
        twins.add(id(playing.ahead._twin))
        assert keys(playing.published[before:]) == keys(playing.sealed[before:]), playing.chain.head
    assert len(playing.published) == len(playing.sealed)
    assert len(twins - {id(None)}) == 1
    assert changed > 100


def test_events_are_published_correctly_though_the_time_of_their_block_is_not_known(
    player: Callable[[MiniBlockPlan], Player],
) -> None:
    """The season's blocks are seconds to hours apart: nothing but the time is guessed wrong, and is mended."""
    playing = player(MiniBlockPlan(10, timestamps=False))
    while playing.chain.head < 100:
        playing.read_ahead()
        playing.seal()
    assert keys(playing.published) == keys(playing.sealed)
    contents = {item.event_key: (item.event.type, item.event.data) for item in playing.sealed}
    assert {item.event_key: (item.event.type, item.event.data) for item in playing.published} == contents


@pytest.mark.parametrize("seed", range(8))
def test_what_was_published_wrongly_ends_with_its_block(player: Callable[[MiniBlockPlan], Player], seed: int) -> None:
    """A block that is announced as it will be is published completely, whatever came before it."""
    playing = player(MiniBlockPlan(10, faults=0.5, seed=seed, timestamps=True))
    complete = 0
    while playing.chain.head < 120:
        before, sealed_before = len(playing.published), len(playing.sealed)
        announced = playing.read_ahead()
        playing.seal()
        published, sealed = playing.published[before:], playing.sealed[sealed_before:]
        assert len(keys(published)) == len(published)
        if announced == [(log.transaction_hash, log.data) for log in playing.logs()]:
            complete += 1
            assert keys(published) == keys(sealed), playing.chain.head
    assert 20 < complete < 120


def keys(items: Sequence[FeedItem]) -> set[str]:
    return {item.event_key for item in items}

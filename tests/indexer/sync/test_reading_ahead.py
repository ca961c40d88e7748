"""The twin of the game: what it tells before a block is what the block then holds, or dropped."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest

from indexer.chain.preconfirmed import PreconfirmedTransaction
from indexer.chain.wire import WireLog, WirePendingLog
from indexer.decode.block import Archive, decode_block
from indexer.decode.decoder import LogDecoder
from indexer.domain.chain import Header, Transaction
from indexer.domain.units import Address, Calldata, Hash
from indexer.records.rows import Row
from indexer.replay.chain import LiveChain
from indexer.replay.mini_blocks import MiniBlockPlan, MiniBlocks
from indexer.replay.recording import RecordedBlock
from indexer.replay.rendering import ServedBlock, ServedLog, Style
from indexer.replay.truth import Truth
from indexer.rules.block import apply_block
from indexer.rules.game import Game
from indexer.stream.feed import FeedItem
from indexer.stream.preconfirmed import items_of
from indexer.sync.reading_ahead import ReadingAhead


class Player:
    """Applies a recording to a game, block by block, with a reader ahead of it."""

    def __init__(self, season: Sequence[RecordedBlock], truth: Truth, plan: MiniBlockPlan) -> None:
        self.contracts = {name: Address(address) for name, address in truth.contracts.items()}
        self.chain = LiveChain(season, Style(1), head=0)
        self.mini_blocks = MiniBlocks(self.chain, plan)
        self.decoder = LogDecoder(self.contracts)
        self.game = Game(self.contracts)
        self.told: list[FeedItem] = []
        self.sealed: list[FeedItem] = []
        self.ahead = ReadingAhead(self.decoder, self.told.extend)
        self.ahead.restart(0, season[0].timestamp)

    def read_ahead(self) -> None:
        """Read what the node announces of the next block."""
        self.ahead.read(list(self._transactions()), self.game)

    def seal(self) -> Header:
        """Apply the next block."""
        self.chain.advance()
        block = self.chain.blocks[-1]
        header = Header(block.number, Hash(block.hash), Hash(block.parent_hash), block.timestamp)
        logs = [msgspec.json.decode(log.json, type=WireLog) for log in self._ours(block)]
        archive = Archive()
        transactions = [_transaction(block, index) for index in range(len(block.transactions))]
        apply_block(self.game, decode_block(self.decoder, header, transactions, logs, archive))
        rows: dict[type[Row], list[object]] = self.game.journal.take() | archive.rows()
        self.sealed += items_of(rows)
        self.ahead.sealed(header, rows)
        return header

    def _ours(self, block: ServedBlock) -> Iterator[ServedLog]:
        return (log for log in block.logs if log.address in self.contracts.values())

    def _transactions(self) -> Iterator[PreconfirmedTransaction]:
        announced = self.mini_blocks.next_part()
        logs = [
            msgspec.json.decode(one.json, type=WirePendingLog)
            for one in announced
            if one.address in self.contracts.values()
        ]
        groups: list[list[WirePendingLog]] = []
        for log in logs:
            if groups and groups[-1][-1].transaction_hash == log.transaction_hash:
                groups[-1].append(log)
            else:
                groups.append([log])
        for group in groups:
            first = group[0]
            at = None if first.block_timestamp is None else int(first.block_timestamp, 16)
            place = self.chain.open_transactions.get(first.transaction_hash)
            transactions = [_transaction(*place)] if place else []
            yield PreconfirmedTransaction(
                int(first.block_number, 16), Hash(first.transaction_hash), group, at, transactions
            )


def _transaction(block: ServedBlock, index: int) -> Transaction:
    one = block.transactions[index]
    return Transaction(index, Hash(one.hash), Address(one.sender), None, Calldata(one.input or "0x"))


@pytest.fixture
def player(season: list[RecordedBlock], truth: Truth) -> Callable[[MiniBlockPlan], Player]:
    return lambda plan: Player(season, truth, plan)


def test_the_season_is_told_before_its_blocks(player: Callable[[MiniBlockPlan], Player]) -> None:
    """One copy of the game is all that is made: the twin goes on by itself."""
    playing = player(MiniBlockPlan(10, timestamps=True))
    while playing.chain.head < 280:
        before = len(playing.told)
        playing.read_ahead()
        playing.seal()
        assert {item.event_key for item in playing.told[before:]} == {
            item.event_key for item in playing.sealed[before:]
        }, playing.chain.head

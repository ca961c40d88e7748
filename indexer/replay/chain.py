"""The served chain: its moving head, and the forks that replace its newest blocks for a time."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

from indexer.replay.blocks import ServedBlocks
from indexer.replay.recording import RecordedBlock
from indexer.replay.rendering import ServedBlock, Style
from indexer.replay.stretch import Stretched

Listener = Callable[[ServedBlock, bool], None]


@dataclass(frozen=True, slots=True)
class ReorgPlan:
    """A reorg every `every` blocks of up to `depth` blocks (0: none), drawn from a seed."""

    every: int = 0
    depth: int = 6
    seed: int = 1


class LiveChain:
    """Serves a recording up to a head. A reorg first shows other blocks, then replaces them by the recorded ones.

    The blocks of a fork carry the recorded transactions in their order, but later, as a draw decides; forks of forks
    likewise. `announce` is called with every block that comes, and with every one that goes (True). `stretch` puts
    so many empty blocks less one after each recorded block: all numbers are those of the stretched chain.
    """

    def __init__(
        self,
        recording: Sequence[RecordedBlock],
        style: Style,
        *,
        head: int | None = None,
        stretch: int = 1,
        reorgs: ReorgPlan | None = None,
        announce: Listener | None = None,
    ) -> None:
        self._recording = Stretched(recording, stretch)
        self._style = style
        self._plan = reorgs or ReorgPlan()
        self._random = random.Random(self._plan.seed)  # noqa: S311 - a repeatable draw
        self._fork_end = -1
        self._transactions = [transaction for block in recording for transaction in block.txs]
        self._recorded_through = list(accumulate(len(block.txs) for block in recording))
        self._carried_by_forks: dict[int, int] = {}
        self._code_since: dict[str, int] = {}
        for place, transaction in enumerate(self._transactions):
            for address in (transaction.contract_address, *(log.address for log in transaction.logs)):
                if address is not None:
                    self._code_since.setdefault(address, place)
        self._announce = announce or _announce_nothing
        self.blocks = ServedBlocks(lambda number: ServedBlock(self._recording[number], style))
        self._by_hash: dict[str, ServedBlock] = {}
        self.by_transaction: dict[str, tuple[ServedBlock, int]] = {}
        self.open_transactions: dict[str, tuple[ServedBlock, int]] = {}
        """The transactions of the block that comes next, once it is open."""
        self.reorg_count = 0
        first_head = self.last if head is None else min(head, self.last)
        for number in range(0, first_head + 1, stretch):
            self.blocks.extend_to(number)
            self._push_recorded(number)
        self.blocks.extend_to(first_head + 1)

    @property
    def last(self) -> int:
        """The number of the last block there is to serve."""
        return len(self._recording) - 1

    @property
    def head(self) -> int:
        """The number of the newest block."""
        return len(self.blocks) - 1

    @property
    def forked(self) -> bool:
        """Whether the newest block is one of a fork."""
        return self.head in self._carried_by_forks

    def by_hash(self, block_hash: str) -> ServedBlock | None:
        """The block with this hash, if it is on the chain as it is now."""
        number = self._recording.number_of(block_hash)
        if number is None or number > self.head or number in self._carried_by_forks:
            return self._by_hash.get(block_hash)
        return self.blocks[number]

    def recorded_number(self, block: ServedBlock) -> int | None:
        """The number in the recording of the block whose state is a block's; None for one of a fork, which has none."""
        recorded = block.hash == self._recording[block.number].hash
        return block.number // self._recording.factor if recorded else None

    def has_code(self, address: str, number: int) -> bool:
        """Whether a contract stands at an address after a block: one that was created, or logged, by then."""
        since = self._code_since.get(address.lower())
        return since is not None and since < self._carried(number)

    def render(self) -> None:
        """Render the JSON of every block served so far, so that later answers take no time for it."""
        for block in self.blocks.kept(0, self.head):
            block.block_json(full=True)
            _ = block.logs

    def advance(self) -> bool:
        """Move on by one block, or end a fork; False if there is nothing left."""
        following = self.head + 1
        if self.forked:
            if following <= self._fork_end:
                self._push_fork_block()
            else:
                self.restore_recorded()
            return True
        if following > self.last:
            return False
        if self._plan.every and following % self._plan.every == 0 and following < self.last:
            self._fork_end = min(following + self._random.randint(1, self._plan.depth), self.last) - 1
            self._push_fork_block()
        else:
            self._push_recorded(following)
        return True

    def following(self, ahead: int = 1) -> ServedBlock | None:
        """The block that the next call of `advance` brings, or one further `ahead`; None where that is not known
        before, since a fork begins or ends."""
        number = self.head + ahead
        forks = bool(self._plan.every and number % self._plan.every == 0)
        return None if self.forked or forks or number > self.last else ServedBlock(self._recording[number], self._style)

    def open(self, block: ServedBlock) -> None:
        """Show the transactions of the block that comes next, until it, or another, comes."""
        self.open_transactions = {one.hash: (block, index) for index, one in enumerate(block.transactions)}

    def reorg(self, depth: int) -> None:
        """Replace the newest `depth` blocks by a fork of the same length, or a fork by the recorded blocks."""
        if self.forked:
            self.restore_recorded()
        else:
            self.fork(depth, depth)

    def fork(self, depth: int, length: int) -> None:
        """Replace the newest `depth` blocks, of a fork or not, by `length` other ones."""
        self._drop_from(self.head - depth + 1)
        self._fork_end = min(self.head + length, self.last)
        while self.head < self._fork_end:
            self._push_fork_block()

    def restore_recorded(self, head: int | None = None) -> None:
        """Replace a fork's blocks by the recorded ones, up to `head` (None: one more than there were)."""
        end = min(self.head + 1 if head is None else head, self.last)
        first = len(self.blocks)
        while first - 1 in self._carried_by_forks:
            first -= 1
        if first < len(self.blocks):
            self._drop_from(first)
        for number in range(len(self.blocks), end + 1):
            self._push_recorded(number)

    def _carried(self, number: int) -> int:
        """The number of recorded transactions in the chain up to and with a block."""
        forked = self._carried_by_forks.get(number)
        return self._recorded_through[number // self._recording.factor] if forked is None else forked

    def _push_recorded(self, number: int) -> None:
        if self._recording.is_empty(number):
            self.blocks.extend_to(number + 1)
            self._announce(self.blocks[number], False)
        else:
            self._push(ServedBlock(self._recording[number], self._style))

    def _push_fork_block(self) -> None:
        number, parent = len(self.blocks), self.blocks[-1].hash
        original, carried = self._recording[number], self._carried(self.head)
        through = self._random.randint(carried, self._recorded_through[number // self._recording.factor])
        digest = blake2b(f"{original.hash}{parent}{self.reorg_count}".encode(), digest_size=32).hexdigest()
        transactions = self._transactions[carried:through]
        self._carried_by_forks[number] = through
        block = RecordedBlock(number, "0x" + digest, parent, original.timestamp + 1, transactions)
        self._push(ServedBlock(block, self._style))

    def _drop_from(self, first: int) -> None:
        self.reorg_count += 1
        while self.head >= first:
            block = self.blocks.pop()
            self._carried_by_forks.pop(block.number, None)
            self._by_hash.pop(block.hash, None)
            for transaction in block.transactions:
                if self.by_transaction.get(transaction.hash, (None, 0))[0] is block:
                    del self.by_transaction[transaction.hash]
            self._announce(block, True)

    def _push(self, block: ServedBlock) -> None:
        self.open_transactions = {}
        self.blocks.append(block)
        self._by_hash[block.hash] = block
        for index, transaction in enumerate(block.transactions):
            self.by_transaction[transaction.hash] = (block, index)
        self._announce(block, False)


def _announce_nothing(block: ServedBlock, removed: bool) -> None:
    """The default of `announce`: does nothing."""

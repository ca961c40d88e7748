"""The chain as it is served now: its head moves, forks come and go."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

from indexer.replay.recording import RecordedBlock
from indexer.replay.rendering import ServedBlock

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
    likewise. `announce` is told of every block that comes, and of every one that goes (True).
    """

    def __init__(
        self,
        recording: Sequence[RecordedBlock],
        chain_id: int,
        *,
        head: int | None = None,
        shift: int = 0,
        reorgs: ReorgPlan | None = None,
        announce: Listener | None = None,
    ) -> None:
        self._recording = recording
        self._chain_id = chain_id
        self._shift = shift
        self._plan = reorgs or ReorgPlan()
        self._random = random.Random(self._plan.seed)  # noqa: S311 - a repeatable draw
        self._fork_end = -1
        self._transactions = [transaction for block in recording for transaction in block.txs]
        self._recorded_through = list(accumulate(len(block.txs) for block in recording))
        self._carried: list[int] = []
        self._code_since: dict[str, int] = {}
        for place, transaction in enumerate(self._transactions):
            for address in (transaction.contract_address, *(log.address for log in transaction.logs)):
                if address is not None:
                    self._code_since.setdefault(address, place)
        self._announce = announce or _tell_nobody
        self.blocks: list[ServedBlock] = []
        self.by_hash: dict[str, ServedBlock] = {}
        self.by_transaction: dict[str, tuple[ServedBlock, int]] = {}
        self.reorg_count = 0
        last = len(recording) - 1
        for number in range((last if head is None else min(head, last)) + 1):
            self._push_recorded(number)

    @property
    def head(self) -> int:
        """The number of the newest block."""
        return len(self.blocks) - 1

    @property
    def forked(self) -> bool:
        """Whether the newest block is one of a fork."""
        return self.blocks[-1].hash != self._recording[self.head].hash

    def is_recorded(self, block: ServedBlock) -> bool:
        """Whether a block is one of the recording, and not one of a fork."""
        return block.hash == self._recording[block.number].hash

    def has_code(self, address: str, number: int) -> bool:
        """Whether a contract stands at an address after a block: one that was created, or logged, by then."""
        since = self._code_since.get(address.lower())
        return since is not None and since < self._carried[number]

    def render(self) -> None:
        """Make the JSON of every block served so far, so that answering takes no time later."""
        for block in self.blocks:
            block.block_json(full=True)
            _ = block.logs

    def advance(self) -> bool:
        """Move on by one block, or end a fork; False if there is nothing left."""
        following = self.head + 1
        if self.forked:
            if following <= self._fork_end:
                self._push_fork_block()
            else:
                self.settle()
            return True
        if following >= len(self._recording):
            return False
        if self._plan.every and following % self._plan.every == 0 and following < len(self._recording) - 1:
            self._fork_end = min(following + self._random.randint(1, self._plan.depth), len(self._recording) - 1) - 1
            self._push_fork_block()
        else:
            self._push_recorded(following)
        return True

    def reorg(self, depth: int) -> None:
        """Replace the newest `depth` blocks by a fork of the same length, or a fork by the recorded blocks."""
        if self.forked:
            self.settle()
        else:
            self.fork(depth, depth)

    def fork(self, depth: int, length: int) -> None:
        """Replace the newest `depth` blocks, of a fork or not, by `length` other ones."""
        self._drop_from(self.head - depth + 1)
        self._fork_end = min(self.head + length, len(self._recording) - 1)
        while self.head < self._fork_end:
            self._push_fork_block()

    def settle(self, head: int | None = None) -> None:
        """Put the recorded blocks in the place of a fork's, up to `head` (None: one more than there were)."""
        end = min(self.head + 1 if head is None else head, len(self._recording) - 1)
        first = len(self.blocks)
        while self.blocks[first - 1].hash != self._recording[first - 1].hash:
            first -= 1
        if first < len(self.blocks):
            self._drop_from(first)
        for number in range(len(self.blocks), end + 1):
            self._push_recorded(number)

    def _push_recorded(self, number: int) -> None:
        block = ServedBlock(self._recording[number], self._chain_id, self._shift)
        self._push(block, self._recorded_through[number])

    def _push_fork_block(self) -> None:
        number, parent = len(self.blocks), self.blocks[-1].hash
        original, carried = self._recording[number], self._carried[-1]
        through = self._random.randint(carried, self._recorded_through[number])
        digest = blake2b(f"{original.hash}{parent}{self.reorg_count}".encode(), digest_size=32).hexdigest()
        transactions = self._transactions[carried:through]
        block = RecordedBlock(number, "0x" + digest, parent, original.timestamp + 1, transactions)
        self._push(ServedBlock(block, self._chain_id, self._shift), through)

    def _drop_from(self, first: int) -> None:
        self.reorg_count += 1
        while self.head >= first:
            block = self.blocks.pop()
            self._carried.pop()
            del self.by_hash[block.hash]
            for transaction in block.transactions:
                if self.by_transaction.get(transaction.hash, (None, 0))[0] is block:
                    del self.by_transaction[transaction.hash]
            self._announce(block, True)

    def _push(self, block: ServedBlock, carried: int) -> None:
        """Append a block; `carried` is how many of the recorded transactions stand in the chain with it."""
        self.blocks.append(block)
        self._carried.append(carried)
        self.by_hash[block.hash] = block
        for index, transaction in enumerate(block.transactions):
            self.by_transaction[transaction.hash] = (block, index)
        self._announce(block, False)


def _tell_nobody(block: ServedBlock, removed: bool) -> None:
    """For chains that nobody listens to."""

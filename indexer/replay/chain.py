"""The chain as it is served now: its head moves, forks come and go."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from indexer.replay.recording import RecordedBlock, RecordedTransaction
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

    Blocks of a fork carry the same transactions in the same order, some of them later or not at all. `announce` is
    told of every block that comes, and of every one that goes (True).
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
        self._fork_end: int | None = None
        self._fork_first = 0
        self._announce = announce or _tell_nobody
        self.blocks: list[ServedBlock] = []
        self.by_hash: dict[str, ServedBlock] = {}
        self.by_transaction: dict[str, tuple[ServedBlock, int]] = {}
        self.reorg_count = 0
        last = len(recording) - 1
        for block in recording[: (last if head is None else min(head, last)) + 1]:
            self._push(ServedBlock(block, chain_id, shift))

    @property
    def head(self) -> int:
        """The number of the newest block."""
        return len(self.blocks) - 1

    @property
    def finished(self) -> bool:
        """Whether the whole recording is served and no fork is left."""
        return self.head >= len(self._recording) - 1 and self._fork_end is None

    def render(self) -> None:
        """Make the JSON of every block served so far, so that answering takes no time later."""
        for block in self.blocks:
            block.block_json(full=True)
            _ = block.logs

    def advance(self) -> bool:
        """Move on by one block, or end a fork; False if there is nothing left."""
        if self._fork_end is not None:
            if self.head < self._fork_end:
                self._push(self._fork_block(self.head + 1))
            else:
                self.replace_from(self._fork_first)
            return True
        following = self.head + 1
        if following >= len(self._recording):
            return False
        if self._plan.every and following % self._plan.every == 0:
            self._begin_fork(following)
        else:
            self._push(ServedBlock(self._recording[following], self._chain_id, self._shift))
        return True

    def reorg(self, depth: int) -> None:
        """Replace the newest `depth` blocks, by a fork of the same length or, where they are one, the recorded ones."""
        first = self.head - depth + 1
        end = self.head
        if self.blocks[-1].hash != self._recording[end].hash:
            self.replace_from(first)
            return
        self._drop_from(first)
        self._fork_first, self._fork_end = first, end
        while self.head < end:
            self._push(self._fork_block(self.head + 1))

    def replace_from(self, first: int) -> None:
        """Put the recorded blocks from `first` on in place of what is served there, one more than there were."""
        end = min(self.head + 1, len(self._recording) - 1)
        self._drop_from(first)
        self._fork_end = None
        for block in self._recording[first : end + 1]:
            self._push(ServedBlock(block, self._chain_id, self._shift))

    def _begin_fork(self, first: int) -> None:
        depth = self._random.randint(1, self._plan.depth)
        self._fork_first = first
        self._fork_end = min(first + depth - 1, len(self._recording) - 2)
        if self._fork_end < first:
            self._fork_end = None
            self._push(ServedBlock(self._recording[first], self._chain_id, self._shift))
            return
        self._push(self._fork_block(first))

    def _fork_block(self, number: int) -> ServedBlock:
        """A block of the fork: the recorded one's transactions reach it one block later."""
        original, parent = self._recording[number], self.blocks[-1].hash
        late: Sequence[RecordedTransaction] = self._recording[number - 1].txs if number > self._fork_first else ()
        digest = blake2b(f"{original.hash}{parent}{self.reorg_count}".encode(), digest_size=32).hexdigest()
        block = RecordedBlock(number, "0x" + digest, parent, original.timestamp + 1, late)
        return ServedBlock(block, self._chain_id, self._shift)

    def _drop_from(self, first: int) -> None:
        self.reorg_count += 1
        while self.head >= first:
            block = self.blocks.pop()
            del self.by_hash[block.hash]
            for transaction in block.transactions:
                if self.by_transaction.get(transaction.hash, (None, 0))[0] is block:
                    del self.by_transaction[transaction.hash]
            self._announce(block, True)

    def _push(self, block: ServedBlock) -> None:
        self.blocks.append(block)
        self.by_hash[block.hash] = block
        for index, transaction in enumerate(block.transactions):
            self.by_transaction[transaction.hash] = (block, index)
        self._announce(block, False)


def _tell_nobody(block: ServedBlock, removed: bool) -> None:
    """For chains that nobody listens to."""

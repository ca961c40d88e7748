"""Mini-blocks, as MegaETH has them: the next block's transactions are announced, part by part, before it is sealed."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from indexer.replay.chain import LiveChain
from indexer.replay.rendering import ServedBlock, ServedLog, unsealed


class MiniFault(StrEnum):
    """What the mini-blocks of a block get wrong."""

    MISSING = "missing"
    """A transaction is not announced."""
    SWAPPED = "swapped"
    """Two transactions that follow each other are announced in the other order."""
    TWICE = "twice"
    """A transaction is announced a second time."""
    PHANTOM = "phantom"
    """A transaction of the block after it is announced in this one, which will not have it."""
    TORN = "torn"
    """Half of a transaction's logs are announced after the next transaction."""


@dataclass(frozen=True, slots=True)
class MiniBlockPlan:
    """A mini-block every `milliseconds` (0: none); in a share of the blocks, `faults`, they are wrong in a way that is
    drawn from the seed. `timestamps`: logs have their block's time before it is sealed."""

    milliseconds: float = 0.0
    faults: float = 0.0
    seed: int = 1
    timestamps: bool = False


class MiniBlocks:
    """The announcements of the block that comes next."""

    def __init__(self, chain: LiveChain, plan: MiniBlockPlan) -> None:
        self._chain = chain
        self._plan = plan
        self._random = random.Random(plan.seed)  # noqa: S311 - a repeatable draw
        self._block_hash = ""
        self._logs: list[list[ServedLog]] = []
        self._announced = 0

    @property
    def are_served(self) -> bool:
        """Whether this node has mini-blocks."""
        return self._plan.milliseconds > 0

    def next_part(self, share: float = 1.0) -> list[ServedLog]:
        """The logs of the next block that were not announced yet, up to a share of its transactions; none where the
        next block is not known, since a fork begins or ends."""
        block = self._chain.following()
        if block is None:
            return []
        if block.hash != self._block_hash:
            self._begin(block)
        end = int(len(self._logs) * share)
        part = [log for logs in self._logs[self._announced : end] for log in logs]
        self._announced = max(self._announced, end)
        return part

    def _begin(self, block: ServedBlock) -> None:
        self._chain.open(block)
        self._block_hash, self._announced = block.hash, 0
        self._logs = self._unsealed(block, block.number)
        if self._random.random() < self._plan.faults:
            self._spoil(block.number, self._random.choice(list(MiniFault)))

    def _spoil(self, number: int, fault: MiniFault) -> None:
        logs = self._logs
        if fault is MiniFault.PHANTOM:
            later = self._chain.following(2)
            found = [group for group in self._unsealed(later, number) if group] if later is not None else []
            logs[len(logs) :] = found[:1]
        elif with_logs := [place for place, group in enumerate(logs) if group]:
            place = self._random.choice(with_logs)
            group, following = logs[place], logs[place + 1 : place + 2]
            match fault:
                case MiniFault.MISSING:
                    logs[place] = []
                case MiniFault.SWAPPED:
                    logs[place : place + 2] = [*following, group]
                case MiniFault.TWICE:
                    logs.insert(self._random.randint(place, len(logs)), group)
                case MiniFault.TORN:
                    half = len(group) // 2
                    logs[place : place + 2] = [group[:half], *following, group[half:]]

    def _unsealed(self, block: ServedBlock, number: int) -> list[list[ServedLog]]:
        """The logs of each transaction of a block as they look before it is sealed, as if they were of block
        `number`."""
        true, shown = (_PLACE % hex(place).encode() for place in (block.number, number))

        def as_announced(log: ServedLog) -> ServedLog:
            json = unsealed(log.json, block, keep_time=self._plan.timestamps)
            return ServedLog(log.address, log.topics, json.replace(true, shown))

        return [[as_announced(log) for log in logs] for logs in block.logs_by_transaction()]


_PLACE: Final = b'"blockNumber":"%s"'

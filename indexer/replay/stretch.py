"""A recording with empty blocks between its blocks, as on a chain where little happens to the game."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import overload

from indexer.replay.recording import RecordedBlock


class Stretched(Sequence[RecordedBlock]):
    """Block n of the recording becomes block n·factor; the ones between are empty, made up from their numbers.

    Recorded blocks keep their hashes and times; an empty one has the time of the recorded block before it.
    """

    def __init__(self, recorded: Sequence[RecordedBlock], factor: int = 1) -> None:
        self.recorded = recorded
        self.factor = factor

    def __len__(self) -> int:
        return (len(self.recorded) - 1) * self.factor + 1

    @overload
    def __getitem__(self, place: int) -> RecordedBlock: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[RecordedBlock]: ...
    def __getitem__(self, place: int | slice) -> RecordedBlock | Sequence[RecordedBlock]:
        numbers = range(len(self))[place]
        return self._block(numbers) if isinstance(numbers, int) else [self._block(number) for number in numbers]

    def is_empty(self, number: int) -> bool:
        """Whether a block is one of those between the recorded ones."""
        return number % self.factor != 0

    def number_of(self, block_hash: str) -> int | None:
        """The number of the made-up block with this hash."""
        try:
            number = int(block_hash[2:18], 16)
        except ValueError:
            return None
        made_up = number < len(self) and self.is_empty(number) and block_hash == self._hash(number)
        return number if made_up else None

    def _block(self, number: int) -> RecordedBlock:
        recorded = self.recorded[number // self.factor]
        if self.factor == 1:
            return recorded
        parent = self._hash(number - 1) if number else recorded.parent_hash
        if self.is_empty(number):
            return RecordedBlock(number, self._hash(number), parent, recorded.timestamp)
        return RecordedBlock(number, recorded.hash, parent, recorded.timestamp, recorded.txs)

    def _hash(self, number: int) -> str:
        """The hash of a block; a made-up one begins with the block's number, so that it is found without an index."""
        if not self.is_empty(number):
            return self.recorded[number // self.factor].hash
        rest = blake2b(f"empty {number} {self.recorded[0].hash}".encode(), digest_size=24).hexdigest()
        return f"0x{number:016x}{rest}"

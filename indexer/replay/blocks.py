"""The served blocks in order; empty ones, of which there may be a million, are made on request."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from indexer.replay.rendering import ServedBlock


class ServedBlocks(Sequence[ServedBlock]):
    """A list of blocks by their numbers. `make` makes a block that is not kept, each time anew.

    A slice shares the blocks with the whole: it is good until the chain moves.
    """

    def __init__(self, make: Callable[[int], ServedBlock]) -> None:
        self._make = make
        self._numbers = range(0)
        self._kept: dict[int, ServedBlock] = {}
        self._kept_numbers: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> ServedBlock: ...
    @overload
    def __getitem__(self, place: slice) -> "ServedBlocks": ...
    def __getitem__(self, place: int | slice) -> "ServedBlock | ServedBlocks":
        if isinstance(place, slice):
            part = ServedBlocks(self._make)
            part._numbers = self._numbers[place]
            part._kept, part._kept_numbers = self._kept, self._kept_numbers
            return part
        number = self._numbers[place]
        return self._kept.get(number) or self._make(number)

    def append(self, block: ServedBlock) -> None:
        """Add the next block, and keep it."""
        self._kept[block.number] = block
        self._kept_numbers.append(block.number)
        self._numbers = range(block.number + 1)

    def extend_to(self, length: int) -> None:
        """Extend the list to this number of blocks, with blocks that are made on request."""
        self._numbers = range(max(length, len(self)))

    def pop(self) -> ServedBlock:
        """Remove the newest block."""
        block = self[-1]
        if self._kept.pop(block.number, None) is not None:
            self._kept_numbers.pop()
        self._numbers = self._numbers[:-1]
        return block

    def kept(self, first: int, last: int) -> Iterator[ServedBlock]:
        """The blocks of a range that are kept: all that have transactions of the recording."""
        first, last = max(first, self._numbers.start), min(last, self._numbers.stop - 1)
        start, stop = bisect_left(self._kept_numbers, first), bisect_right(self._kept_numbers, last)
        return map(self._kept.__getitem__, self._kept_numbers[start:stop])

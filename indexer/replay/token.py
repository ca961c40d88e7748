"""DataToken's views after every block of a recording: the sums of its transfers."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from indexer.chain import views
from indexer.decode.decoder import topic0_of
from indexer.replay.recording import RecordedBlock

_TRANSFER: Final = topic0_of("DataToken", "Transfer")
_NOBODY: Final = "0" * 40
_TOPICS: Final = 3


class Token:
    """Answers `balanceOf` and `totalSupply` of the token at `address`."""

    def __init__(self, recording: Sequence[RecordedBlock], address: str) -> None:
        self._recording = recording
        self.address = address.lower()

    def call(self, block: int, data: bytes) -> bytes | None:
        """The encoded answer after a block; None for another view, and where a chain made by hand moves what no account
        has."""
        selector = data[:4].hex()
        if selector == views.BALANCE_OF.selector:
            amount = self._at(block, data[16:36].hex())
        elif selector == views.TOTAL_SUPPLY.selector:
            amount = -self._at(block, _NOBODY)
        else:
            return None
        return amount.to_bytes(32) if amount >= 0 else None

    def _at(self, block: int, account: str) -> int:
        history = self._histories.get(account, [])
        place = bisect_right(history, block, key=lambda change: change[0])
        return history[place - 1][1] if place else 0

    @cached_property
    def _histories(self) -> dict[str, list[tuple[int, int]]]:
        """By account the blocks after which its balance in wei changed, with the balance; mints leave nobody's
        negative."""
        found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        logs = (
            (block.number, log)
            for block in self._recording
            for transaction in block.txs
            for log in transaction.logs
            if log.address == self.address and log.topics[:1] == [_TRANSFER] and len(log.topics) == _TOPICS
        )
        for number, log in logs:
            amount = int(log.data, 16)
            for account, change in ((log.topics[1][-40:], -amount), (log.topics[2][-40:], amount)):
                history = found[account]
                history.append((number, (history[-1][1] if history else 0) + change))
        return found

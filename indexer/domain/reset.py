"""The system reset's timer (`GhostCore.getSystemReset`)."""

from dataclasses import dataclass
from typing import Final

from indexer.domain.units import DATA, ZERO_ADDRESS, Address

HOUR: Final = 3_600
DAY: Final = 24 * HOUR

_EXTENSIONS: Final = ((50 * DATA, 1 * HOUR), (200 * DATA, 4 * HOUR), (500 * DATA, 8 * HOUR), (1_000 * DATA, 16 * HOUR))
"""Deposits below so many wei push the deadline to at least so many seconds from now."""


@dataclass(slots=True)
class SystemReset:
    """Deadline and times in unix seconds; `epoch` counts resets from 1."""

    deadline: int = 0
    last_depositor: Address = ZERO_ADDRESS
    last_deposit_time: int = 0
    epoch: int = 1
    penalty_bps: int = 0

    def extend(self, depositor: Address, amount: int, now: int) -> None:
        """Count a deposit of `amount` wei at `now` (unix seconds): it pushes the deadline, at most to 24 h from now."""
        self.deadline = min(max(self.deadline, now + _extension(amount)), now + DAY)
        self.last_depositor = depositor
        self.last_deposit_time = now

    def begin_next_epoch(self, penalty_bps: int, now: int) -> None:
        """A reset at `now` (unix seconds): a new epoch and a full timer that nobody has extended yet."""
        self.epoch += 1
        self.penalty_bps = penalty_bps
        self.deadline = now + DAY
        self.last_depositor = ZERO_ADDRESS
        self.last_deposit_time = now


def _extension(amount: int) -> int:
    for below, seconds in _EXTENSIONS:
        if amount < below:
            return seconds
    return DAY

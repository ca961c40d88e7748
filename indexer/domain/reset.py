"""The timer of the system reset, which deposits extend (`GhostCore.getSystemReset`)."""

from dataclasses import dataclass
from typing import Final

from indexer.domain.units import DATA, ZERO_ADDRESS, Address

HOUR: Final = 3_600
DAY: Final = 24 * HOUR

_EXTENSIONS: Final = ((50 * DATA, 1 * HOUR), (200 * DATA, 4 * HOUR), (500 * DATA, 8 * HOUR), (1_000 * DATA, 16 * HOUR))
"""Pairs of wei and seconds: a deposit below so many wei extends the deadline to at least so many seconds from now."""


@dataclass(slots=True)
class SystemReset:
    """The state of the reset timer (`GhostCore.getSystemReset`).

    Times in unix seconds. `epoch` is 1 before the first reset and rises by one with each. `last_depositor` is the zero
    address until somebody deposits after a reset.
    """

    deadline: int = 0
    last_depositor: Address = ZERO_ADDRESS
    last_deposit_time: int = 0
    epoch: int = 1
    penalty_bps: int = 0

    def extend(self, depositor: Address, amount: int, now: int) -> None:
        """Extend the deadline for a deposit of `amount` wei at `now` (unix seconds), to at most 24 hours from then."""
        self.deadline = min(max(self.deadline, now + _extension(amount)), now + DAY)
        self.last_depositor = depositor
        self.last_deposit_time = now

    def begin_next_epoch(self, penalty_bps: int, now: int) -> None:
        """Begin the next epoch after a reset at `now` (unix seconds): with a full timer and no last depositor."""
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

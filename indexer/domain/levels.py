"""The five risk levels: configuration, shared state and the roster of players."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from indexer.domain.units import DATA, Address


class LevelId(IntEnum):
    """The contracts' `Level` enum; NONE stands for "no level" and is never played."""

    NONE = 0
    VAULT = 1
    MAINFRAME = 2
    SUBNET = 3
    DARKNET = 4
    BLACK_ICE = 5


@dataclass(frozen=True, slots=True)
class LevelConfig:
    """`GhostCore.getLevelConfig`: rates in bps, interval in seconds, stake in wei."""

    base_death_rate_bps: int
    scan_interval: int
    min_stake: int
    max_positions: int
    culling_bottom_bps: int
    culling_penalty_bps: int


INITIAL_CONFIGS: Final[dict[int, LevelConfig]] = {
    LevelId.VAULT: LevelConfig(500, 14_400, 10 * DATA, 5_000, 5_000, 8_000),
    LevelId.MAINFRAME: LevelConfig(1_500, 10_800, 25 * DATA, 3_000, 5_000, 8_000),
    LevelId.SUBNET: LevelConfig(2_500, 7_200, 50 * DATA, 1_500, 5_000, 8_000),
    LevelId.DARKNET: LevelConfig(3_500, 3_600, 100 * DATA, 500, 5_000, 8_000),
    LevelId.BLACK_ICE: LevelConfig(4_500, 1_800, 250 * DATA, 100, 5_000, 8_000),
}
"""The configuration that GhostCore is deployed with; later changes come by `updateLevelConfig`."""


@dataclass(slots=True)
class SlotChange:
    """A slot of a roster and who holds it now (`None`: the array became shorter)."""

    slot: int
    address: Address | None


class Roster:
    """GhostCore's array of a level's users with its swap-and-pop removal, quirk included.

    The contract finds a user's slot in a mapping whose default is 0. Removing somebody who is not in the array
    therefore removes whoever stands in slot 0 (rule 6 of the game's rules).
    """

    __slots__ = ("_slot", "members", "order_known")

    def __init__(self, members: Iterable[Address] = (), order_known: bool = True) -> None:
        self.members = list(members)
        self._slot = {address: slot for slot, address in enumerate(self.members)}
        self.order_known = order_known
        """False after deaths whose order in the calldata could not be read: slots may then be permuted."""

    def __len__(self) -> int:
        return len(self.members)

    def push(self, address: Address) -> list[SlotChange]:
        """Append a user, as `jackIn` does."""
        slot = len(self.members)
        self._slot[address] = slot
        self.members.append(address)
        return [SlotChange(slot, address)]

    def remove(self, address: Address) -> tuple[Address | None, list[SlotChange]]:
        """Remove a user as the contract does; return who really left, and the slots that changed."""
        slot = self._slot.get(address, 0)
        removed: Address | None = None
        changes: list[SlotChange] = []
        if self.members:
            removed = self.members[slot]
            last = self.members.pop()
            self._slot[last] = slot
            if slot < len(self.members):
                self.members[slot] = last
                changes.append(SlotChange(slot, last))
            changes.append(SlotChange(len(self.members), None))
        self._slot.pop(address, None)
        return removed, changes

    def move_to_front(self, address: Address) -> list[SlotChange]:
        """Swap a member into slot 0: the chain told that it stands there, though our order was a guess."""
        slot = self._slot[address]
        first = self.members[0]
        self.members[0], self.members[slot] = address, first
        self._slot[address], self._slot[first] = 0, slot
        return [SlotChange(0, address), SlotChange(slot, first)]


@dataclass(slots=True)
class Level:
    """`GhostCore.getLevelState` with the lazily counted streaks.

    `survived_scans` counts the scans whose survivors got +1; a position remembers the count at its entry.
    """

    id: int
    config: LevelConfig
    total_staked: int = 0
    alive_count: int = 0
    acc_rewards_per_share: int = 0
    next_scan_time: int = 0
    survived_scans: int = 0
    roster: Roster = field(default_factory=Roster)

"""The five risk levels: configuration, totals, and the order of their players."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final, Literal

from indexer.domain.units import DATA, Address


class LevelId(IntEnum):
    """The contracts' `Level`, from the safest to the riskiest; NONE stands for "no level" and is never played."""

    NONE = 0
    VAULT = 1
    MAINFRAME = 2
    SUBNET = 3
    DARKNET = 4
    BLACK_ICE = 5


LevelName = Literal["VAULT", "MAINFRAME", "SUBNET", "DARKNET", "BLACK_ICE"]
"""The names of levels as answers and messages have them."""


@dataclass(frozen=True, slots=True)
class LevelConfig:
    """A level's configuration (`GhostCore.getLevelConfig`).

    Rates in basis points, `scan_interval` in seconds, `min_stake` in wei.
    """

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
"""The configuration that GhostCore is deployed with, by level; `updateLevelConfig` changes it, without an event."""


@dataclass(slots=True)
class SlotChange:
    """A slot of a level's array and the user in it after a change; None where the array became shorter."""

    slot: int
    address: Address | None


class Roster:
    """A level's array of users, with the contract's swap-and-pop removal and its fault (rule 6).

    The contract finds a user's slot in a mapping whose default is 0. To remove a user who is not in the array therefore
    removes the user in slot 0 instead.
    """

    __slots__ = ("_slot", "members", "order_known")

    def __init__(self, members: Iterable[Address] = (), order_known: bool = True) -> None:
        self.members = list(members)
        self._slot = {address: slot for slot, address in enumerate(self.members)}
        self.order_known = order_known
        """False after deaths whose order in the calldata could not be read: the slots may then be permuted."""

    def __len__(self) -> int:
        return len(self.members)

    def copy(self) -> "Roster":
        """The same array, with the same leftovers in the contract's mapping of slots."""
        twin = Roster(order_known=self.order_known)
        twin.members, twin._slot = list(self.members), dict(self._slot)
        return twin

    def push(self, address: Address) -> list[SlotChange]:
        """Append a user, as `GhostCore.jackIn` does; return the slots that changed."""
        slot = len(self.members)
        self._slot[address] = slot
        self.members.append(address)
        return [SlotChange(slot, address)]

    def remove(self, address: Address) -> tuple[Address | None, list[SlotChange]]:
        """Remove a user as the contract does; return the user who really left the array, and the changed slots.

        The user is None if the array was empty.
        """
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
        """Swap a member into slot 0, where an event shows that it is there and the order was only assumed.

        Raises KeyError if the user is not in the array.
        """
        slot = self._slot[address]
        first = self.members[0]
        self.members[0], self.members[slot] = address, first
        self._slot[address], self._slot[first] = 0, slot
        return [SlotChange(0, address), SlotChange(slot, first)]


@dataclass(slots=True)
class Level:
    """A level's totals (`GhostCore.getLevelState`), and what streaks are computed from.

    `total_staked` in wei, `acc_rewards_per_share` in wei per wei of stake times 10¹⁸, `next_scan_time` in unix seconds.
    `survived_scans` counts the scans that raised the survivors' streaks by one; a position keeps the count at its entry
    (rule 16).
    """

    id: int
    config: LevelConfig
    total_staked: int = 0
    alive_count: int = 0
    acc_rewards_per_share: int = 0
    next_scan_time: int = 0
    survived_scans: int = 0
    roster: Roster = field(default_factory=Roster)

    def copy(self) -> "Level":
        """The same level on an array of its own."""
        return replace(self, roster=self.roster.copy())

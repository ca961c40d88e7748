"""The contracts' views of their state, with the names that this project gives to what they return."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from eth_hash.auto import keccak

MULTICALL3: Final = "0xca11bde05977b3631167028862be2a173976ca11"
"""Where Multicall3 stands on every chain that has it, MegaETH's networks included."""

_WORD: Final = 32
"""Bytes."""
_WORDS: Final[dict[str, tuple[int, Callable[[int], Any]]]] = {
    "bool": (1, bool),
    "address": (160, lambda number: f"0x{number:040x}"),
    **{f"uint{bits}": (bits, int) for bits in range(8, 257, 8)},
}


class View:
    """One view: `fields` names its results; a `signature` like `getBet(uint256,address)`."""

    def __init__(self, contract: str, signature: str, **fields: str) -> None:
        self.contract = contract
        self.signature = signature
        self.fields = tuple(fields)
        self.results = list(fields.values())

    @cached_property
    def selector(self) -> str:
        """The first four bytes of its calldata, as hex digits."""
        return keccak(self.signature.encode()).hex()[:8]

    @cached_property
    def arguments(self) -> list[str]:
        """The ABI types of its arguments."""
        inside = self.signature[self.signature.index("(") + 1 : -1]
        return inside.split(",") if inside else []

    def calldata(self, *arguments: Any) -> str:
        """The input of a call; each argument is an address, as text, or a number."""
        words = [int(argument, 16) if isinstance(argument, str) else argument for argument in arguments]
        bits = [_WORDS[kind][0] for kind in self.arguments]
        if len(words) != len(bits) or any(word >> most for word, most in zip(words, bits, strict=True)):
            raise ValueError(f"{self.signature} can't be called with {arguments}")
        return "0x" + self.selector + "".join(f"{word:064x}" for word in words)

    def decode(self, answer: str) -> tuple[Any, ...]:
        """The results, which are words all of them. Raises ValueError if the answer is not shaped so.

        It is done with each block; eth_abi, which this is tested against, takes ten times as long.
        """
        data = bytes.fromhex(answer[2:])
        if len(data) < _WORD * len(self._words):
            raise ValueError(f"{self.signature} returned {len(data)} bytes, not {_WORD * len(self._words)}")
        found = []
        for place, (bits, read) in enumerate(self._words):
            number = int.from_bytes(data[_WORD * place : _WORD * (place + 1)])
            if number >> bits:
                raise ValueError(f"{self.signature}: {number} has more than {bits} bits")
            found.append(read(number))
        return tuple(found)

    @cached_property
    def _words(self) -> list[tuple[int, Callable[[int], Any]]]:
        """Of each result the bits that it may have, and how its number is read."""
        return [_WORDS[result] for result in self.results]


GET_POSITION: Final = View(
    "GhostCore",
    "getPosition(address)",
    amount="uint256",
    level="uint8",
    entryTimestamp="uint64",
    lastAddTimestamp="uint64",
    rewardDebt="uint256",
    alive="bool",
    ghostStreak="uint16",
)
IS_ALIVE: Final = View("GhostCore", "isAlive(address)", isAlive="bool")
GET_PENDING_REWARDS: Final = View("GhostCore", "getPendingRewards(address)", pendingRewards="uint256")
GET_EFFECTIVE_DEATH_RATE: Final = View("GhostCore", "getEffectiveDeathRate(address)", effectiveDeathRateBps="uint16")
GET_ACTIVE_BOOSTS: Final = View("GhostCore", "getActiveBoosts(address)", activeBoosts="(uint8,uint16,uint64)[]")
"""Its result is read by the audit only, which has decoders of its own."""
GET_LEVEL_CONFIG: Final = View(
    "GhostCore",
    "getLevelConfig(uint8)",
    baseDeathRateBps="uint16",
    scanInterval="uint32",
    minStake="uint256",
    maxPositions="uint32",
    cullingBottomPct="uint16",
    cullingPenaltyBps="uint16",
)
GET_LEVEL_STATE: Final = View(
    "GhostCore",
    "getLevelState(uint8)",
    totalStaked="uint256",
    aliveCount="uint256",
    accRewardsPerShare="uint256",
    nextScanTime="uint64",
)
GET_SYSTEM_RESET: Final = View(
    "GhostCore",
    "getSystemReset()",
    deadline="uint64",
    lastDepositor="address",
    lastDepositTime="uint64",
    epoch="uint256",
    penaltyBps="uint16",
)
GET_TOTAL_VALUE_LOCKED: Final = View("GhostCore", "getTotalValueLocked()", totalValueLocked="uint256")
PAUSED: Final = View("GhostCore", "paused()", paused="bool")
ROUND_COUNT: Final = View("DeadPool", "roundCount()", roundCount="uint256")
GET_ROUND: Final = View(
    "DeadPool",
    "getRound(uint256)",
    roundType="uint8",
    targetLevel="uint8",
    line="uint256",
    overPool="uint256",
    underPool="uint256",
    deadline="uint64",
    resolveTime="uint64",
    resolved="bool",
    outcome="bool",
)
GET_BET: Final = View("DeadPool", "getBet(uint256,address)", amount="uint256", isOver="bool", claimed="bool")
TOTAL_SUPPLY: Final = View("DataToken", "totalSupply()", totalSupply="uint256")
BALANCE_OF: Final = View("DataToken", "balanceOf(address)", balance="uint256")

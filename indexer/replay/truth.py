"""The contracts' views, answered from the truth that was recorded at some blocks."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eth_abi import abi
from eth_hash.auto import keccak


class NotRecorded(LookupError):
    """The state of this block, or this view, is not in the truth."""


class Truth:
    """What the contracts answered; `document` is a season's expected file."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.chain_id: int = document["chainId"]
        self.contracts: Mapping[str, str] = document["contracts"]
        self._checkpoints: Mapping[str, Any] = document["checkpoints"]

    @classmethod
    def load(cls, path: Path) -> "Truth":
        """Read an expected file."""
        return cls(json.loads(gzip.decompress(path.read_bytes())))

    def call(self, block_number: int, to: str, data: str) -> bytes:
        """The encoded answer of a view at a block. Raises NotRecorded."""
        state = self._checkpoints.get(str(block_number))
        view = _VIEWS.get(data[2:10])
        name = next((name for name, address in self.contracts.items() if address == to.lower()), None)
        if state is None or view is None or name != view.contract:
            raise NotRecorded
        arguments = abi.decode(view.arguments, bytes.fromhex(data[10:])) if view.arguments else ()
        return abi.encode(view.results, view.answer(state, *arguments))


class _View:
    def __init__(
        self, contract: str, signature: str, results: Sequence[str], answer: Callable[..., Sequence[Any]]
    ) -> None:
        self.contract = contract
        self.selector = keccak(signature.encode()).hex()[:8]
        inside = signature[signature.index("(") + 1 : -1]
        self.arguments = inside.split(",") if inside else []
        self.results = results
        self.answer = answer


_NOBODY: Mapping[str, Any] = {
    "amount": 0,
    "level": 0,
    "entryTimestamp": 0,
    "lastAddTimestamp": 0,
    "rewardDebt": 0,
    "alive": False,
    "ghostStreak": 0,
    "isAlive": False,
    "pendingRewards": 0,
    "effectiveDeathRateBps": 0,
    "activeBoosts": [],
}


def _player(state: Mapping[str, Any], address: str) -> Mapping[str, Any]:
    player: Mapping[str, Any] = state["players"].get(address.lower(), _NOBODY)
    return player


def _position(state: Mapping[str, Any], address: str) -> Sequence[Any]:
    player = _player(state, address)
    return (
        int(player["amount"]),
        player["level"],
        player["entryTimestamp"],
        player["lastAddTimestamp"],
        int(player["rewardDebt"]),
        player["alive"],
        player["ghostStreak"],
    )


def _boosts(state: Mapping[str, Any], address: str) -> Sequence[Any]:
    boosts = _player(state, address)["activeBoosts"]
    return ([(boost["boostType"], boost["valueBps"], int(boost["expiry"])) for boost in boosts],)


def _level_config(state: Mapping[str, Any], level: int) -> Sequence[Any]:
    config = state["levels"][str(level)]["config"]
    return tuple(int(value) for value in config.values())


def _level_state(state: Mapping[str, Any], level: int) -> Sequence[Any]:
    values = state["levels"][str(level)]
    names = ("totalStaked", "aliveCount", "accRewardsPerShare", "nextScanTime")
    return tuple(int(values[name]) for name in names)


def _round(state: Mapping[str, Any], round_id: int) -> Sequence[Any]:
    values = state["rounds"][str(round_id)]
    return (
        values["roundType"],
        values["targetLevel"],
        int(values["line"]),
        int(values["overPool"]),
        int(values["underPool"]),
        int(values["deadline"]),
        int(values["resolveTime"]),
        values["resolved"],
        values["outcome"],
    )


def _bet(state: Mapping[str, Any], round_id: int, address: str) -> Sequence[Any]:
    for bet in state["bets"]:
        if int(bet["roundId"]) == round_id and bet["user"] == address.lower():
            return (int(bet["amount"]), bet["isOver"], bet["claimed"])
    return (0, False, False)


_VIEWS: Mapping[str, _View] = {
    view.selector: view
    for view in (
        _View(
            "GhostCore",
            "getPosition(address)",
            ["uint256", "uint8", "uint64", "uint64", "uint256", "bool", "uint16"],
            _position,
        ),
        _View(
            "GhostCore",
            "getPendingRewards(address)",
            ["uint256"],
            lambda state, user: (int(_player(state, user)["pendingRewards"]),),
        ),
        _View(
            "GhostCore",
            "getEffectiveDeathRate(address)",
            ["uint16"],
            lambda state, user: (_player(state, user)["effectiveDeathRateBps"],),
        ),
        _View("GhostCore", "isAlive(address)", ["bool"], lambda state, user: (_player(state, user)["isAlive"],)),
        _View("GhostCore", "getActiveBoosts(address)", ["(uint8,uint16,uint64)[]"], _boosts),
        _View(
            "GhostCore",
            "getLevelConfig(uint8)",
            ["uint16", "uint32", "uint256", "uint32", "uint16", "uint16"],
            _level_config,
        ),
        _View("GhostCore", "getLevelState(uint8)", ["uint256", "uint256", "uint256", "uint64"], _level_state),
        _View(
            "GhostCore",
            "getSystemReset()",
            ["uint64", "address", "uint64", "uint256", "uint16"],
            lambda state: tuple(state["systemReset"].values()),
        ),
        _View("GhostCore", "getTotalValueLocked()", ["uint256"], lambda state: (int(state["totalValueLocked"]),)),
        _View("DeadPool", "roundCount()", ["uint256"], lambda state: (state["roundCount"],)),
        _View(
            "DeadPool",
            "getRound(uint256)",
            ["uint8", "uint8", "uint256", "uint256", "uint256", "uint64", "uint64", "bool", "bool"],
            _round,
        ),
        _View("DeadPool", "getBet(uint256,address)", ["uint256", "bool", "bool"], _bet),
        _View("DataToken", "totalSupply()", ["uint256"], lambda state: (int(state["totalSupply"]),)),
        _View(
            "DataToken",
            "balanceOf(address)",
            ["uint256"],
            lambda state, user: (int(state["balances"].get(user.lower(), 0)),),
        ),
    )
}

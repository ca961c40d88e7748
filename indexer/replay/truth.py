"""The contracts' views, answered from the truth that was recorded at some blocks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from eth_abi import abi

from indexer.chain import views
from indexer.chain.views import View
from indexer.replay.recording import read_document


class NotRecorded(LookupError):
    """The state of this block, or this view, is not in the truth."""


class Truth:
    """What the contracts answered; `document` is a season's expected file."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.chain_id: int = document["chainId"]
        self.contracts: Mapping[str, str] = document["contracts"]
        self.checkpoints: Mapping[str, Any] = document["checkpoints"]

    @classmethod
    def load(cls, path: Path) -> "Truth":
        """Read an expected file. Raises BadRecording."""
        return cls(read_document(path))

    def call(self, block_number: int, to: str, data: str) -> bytes:
        """The encoded answer of a view at a block. Raises NotRecorded."""
        state = self.checkpoints.get(str(block_number))
        view, answer = _ANSWERS.get(data[2:10], (None, _unknown))
        name = next((name for name, address in self.contracts.items() if address == to.lower()), None)
        if state is None or view is None or name != view.contract:
            raise NotRecorded
        arguments = abi.decode(view.arguments, bytes.fromhex(data[10:])) if view.arguments else ()
        return abi.encode(view.results, answer(state, *arguments))


_NOBODY: Final[Mapping[str, Any]] = {
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


def _unknown(state: Mapping[str, Any], *arguments: Any) -> Sequence[Any]:
    raise NotRecorded


def _values(view: View, values: Mapping[str, Any]) -> Sequence[Any]:
    """The results of a view from a mapping that names them as the view's fields; wei stand there as strings."""
    texts = {"address"}
    return [
        values[field] if kind in texts or not isinstance(values[field], str) else int(values[field])
        for field, kind in zip(view.fields, view.results, strict=True)
    ]


def _of_player(view: View) -> Callable[..., Sequence[Any]]:
    return lambda state, user: _values(view, state["players"].get(user.lower(), _NOBODY))


def _of_level(view: View, *path: str) -> Callable[..., Sequence[Any]]:
    def answer(state: Mapping[str, Any], level: int) -> Sequence[Any]:
        values = state["levels"][str(level)]
        for name in path:
            values = values[name]
        return _values(view, values)

    return answer


def _boosts(state: Mapping[str, Any], user: str) -> Sequence[Any]:
    boosts = state["players"].get(user.lower(), _NOBODY)["activeBoosts"]
    return ([(boost["boostType"], boost["valueBps"], int(boost["expiry"])) for boost in boosts],)


def _bet(state: Mapping[str, Any], round_id: int, user: str) -> Sequence[Any]:
    for bet in state["bets"]:
        if int(bet["roundId"]) == round_id and bet["user"] == user.lower():
            return _values(views.GET_BET, bet)
    return (0, False, False)


_ANSWERS: Final[Mapping[str, tuple[View, Callable[..., Sequence[Any]]]]] = {
    view.selector: (view, answer)
    for view, answer in (
        (views.GET_POSITION, _of_player(views.GET_POSITION)),
        (views.IS_ALIVE, _of_player(views.IS_ALIVE)),
        (views.GET_PENDING_REWARDS, _of_player(views.GET_PENDING_REWARDS)),
        (views.GET_EFFECTIVE_DEATH_RATE, _of_player(views.GET_EFFECTIVE_DEATH_RATE)),
        (views.GET_ACTIVE_BOOSTS, _boosts),
        (views.GET_LEVEL_CONFIG, _of_level(views.GET_LEVEL_CONFIG, "config")),
        (views.GET_LEVEL_STATE, _of_level(views.GET_LEVEL_STATE)),
        (views.GET_SYSTEM_RESET, lambda state: _values(views.GET_SYSTEM_RESET, state["systemReset"])),
        (views.GET_TOTAL_VALUE_LOCKED, lambda state: _values(views.GET_TOTAL_VALUE_LOCKED, state)),
        (views.ROUND_COUNT, lambda state: _values(views.ROUND_COUNT, state)),
        (views.GET_ROUND, lambda state, number: _values(views.GET_ROUND, state["rounds"][str(number)])),
        (views.GET_BET, _bet),
        (views.TOTAL_SUPPLY, lambda state: _values(views.TOTAL_SUPPLY, state)),
        (views.BALANCE_OF, lambda state, user: (int(state["balances"].get(user.lower(), 0)),)),
    )
}

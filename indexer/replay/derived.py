"""Views that a state file lacks, answered at every block: from the logs so far, and from the views that it has."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from eth_abi import abi

from indexer.chain import views
from indexer.chain.views import View
from indexer.domain.positions import Boost, active_boosts, effective_death_rate
from indexer.domain.units import PRECISION
from indexer.replay.ledger import BetAnswer, Ledger, RoundAnswer
from indexer.replay.recording import RecordedBlock
from indexer.replay.state import RecordedState
from indexer.replay.token import Token


class DerivedViews:
    """Answers them for a recording and its state."""

    def __init__(self, recording: Sequence[RecordedBlock], state: RecordedState) -> None:
        self._recording = recording
        self._state = state
        self._token = Token(recording, state.contracts["DataToken"])
        self._contracts = {name: address.lower() for name, address in state.contracts.items()}
        self._answers: Mapping[str, tuple[View, Callable[..., Sequence[Any]]]] = {
            view.selector: (view, answer)
            for view, answer in (
                (views.ROUND_COUNT, self._round_count),
                (views.GET_ROUND, self._round),
                (views.GET_BET, self._bet),
                (views.GET_ACTIVE_BOOSTS, self._active_boosts),
                (views.GET_EFFECTIVE_DEATH_RATE, self._death_rate),
                (views.GET_PENDING_REWARDS, self._pending_rewards),
            )
        }

    def call(self, block: int, to: str, data: bytes) -> bytes | None:
        """The encoded answer of a view after a block; None for a view that is none of these."""
        if to.lower() == self._token.address:
            return self._token.call(block, data)
        found = self._answers.get(data[:4].hex())
        if found is None or to.lower() != self._contracts[found[0].contract]:
            return None
        view, answer = found
        return abi.encode(view.results, answer(block, *abi.decode(view.arguments, data[4:])))

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self._recording, self._contracts)

    def _round_count(self, block: int) -> Sequence[Any]:
        return [self._ledger.round_count.at(block)]

    def _round(self, block: int, number: int) -> Sequence[Any]:
        versions = self._ledger.rounds.get(number)
        return versions.at(block) if versions else RoundAnswer()

    def _bet(self, block: int, number: int, user: str) -> Sequence[Any]:
        versions = self._ledger.bets.get((number, user))
        return versions.at(block) if versions else BetAnswer()

    def _boosts(self, block: int, user: str) -> list[Boost]:
        versions = self._ledger.boosts.get(user)
        return list(versions.at(block)) if versions else []

    def _active_boosts(self, block: int, user: str) -> Sequence[Any]:
        active = active_boosts(self._boosts(block, user), self._recording[block].timestamp)
        return [[(boost.boost_type, boost.value_bps, boost.expiry) for boost in active]]

    def _death_rate(self, block: int, user: str) -> Sequence[Any]:
        _, level, *_ = self._recorded(views.GET_POSITION, block, user)
        base, *_ = self._recorded(views.GET_LEVEL_CONFIG, block, level)
        return [effective_death_rate(base, self._boosts(block, user), self._recording[block].timestamp)]

    def _pending_rewards(self, block: int, user: str) -> Sequence[Any]:
        amount, level, _, _, debt, alive, _ = self._recorded(views.GET_POSITION, block, user)
        _, _, per_share, _ = self._recorded(views.GET_LEVEL_STATE, block, level)
        return [max(0, amount * per_share // PRECISION - debt) if alive else 0]

    def _recorded(self, view: View, block: int, argument: Any) -> tuple[Any, ...]:
        """What a view of the state file returned."""
        answer = self._state.call(block, self._contracts[view.contract], bytes.fromhex(view.calldata(argument)[2:]))
        assert answer is not None
        return abi.decode(view.results, answer)

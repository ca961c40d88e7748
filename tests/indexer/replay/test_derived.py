"""Views derived from logs and state: equal to the contracts' answers where those are recorded."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from indexer.chain import views
from indexer.chain.views import View
from indexer.replay.derived import DerivedViews
from tests.chains import recording


def derived_views(name: str) -> DerivedViews:
    recorded = recording(name)
    assert recorded.state is not None
    return DerivedViews(recorded.blocks, recorded.state)


def asked(state: Any) -> Iterator[tuple[View, tuple[Any, ...]]]:
    """Every view that the truth has at a checkpoint, with its arguments."""
    yield views.TOTAL_SUPPLY, ()
    yield views.ROUND_COUNT, ()
    for player in state["players"]:
        for view in (views.GET_ACTIVE_BOOSTS, views.GET_EFFECTIVE_DEATH_RATE, views.GET_PENDING_REWARDS):
            yield view, (player,)
    for number in state["rounds"]:
        yield views.GET_ROUND, (int(number),)
    for bet in state["bets"]:
        yield views.GET_BET, (int(bet["roundId"]), bet["user"])
    for account in state["balances"]:
        yield views.BALANCE_OF, (account,)


@pytest.mark.parametrize("name", ["traps", "busy", "demo"])
def test_they_agree_with_the_truth_wherever_it_is_recorded(name: str) -> None:
    truth, derived = recording(name).truth, derived_views(name)
    draw = random.Random(3)
    for block, recorded in truth.checkpoints.items():
        every = list(asked(recorded))
        for view, arguments in draw.sample(every, min(300, len(every))):
            call = int(block), truth.contracts[view.contract], view.calldata(*arguments)
            answer = derived.call(call[0], call[1], bytes.fromhex(call[2][2:]))
            assert answer == truth.call(*call), (block, view.signature, arguments)


def test_who_is_unknown_has_nothing() -> None:
    truth, derived = recording("traps").truth, derived_views("traps")
    nobody = "0x" + "77" * 20
    for view, arguments in ((views.BALANCE_OF, (nobody,)), (views.GET_ROUND, (99,)), (views.GET_BET, (99, nobody))):
        answer = derived.call(89, truth.contracts[view.contract], bytes.fromhex(view.calldata(*arguments)[2:]))
        assert answer == bytes(32 * len(view.results))
    assert derived.call(89, truth.contracts["GhostCore"], bytes.fromhex(views.TOTAL_SUPPLY.selector)) is None

"""Positions as the contract's own views tell them, for every player at every recorded block."""

from typing import Any

import pytest
from django.test import Client
from eth_utils.address import is_checksum_address

from indexer.replay.truth import Truth

PENALTY = (2_500, 10_000)


@pytest.mark.parametrize("block", [137, 314, 510, 686, 882, 1007])
def test_every_player_at_every_recorded_block(client: Client, truth: Truth, block: int) -> None:
    state = truth.checkpoints[str(block)]
    for address, player in state["players"].items():
        answer = client.get(f"/api/v1/positions/{address}?at_block={block}").json()
        assert answer["address"].lower() == address
        compare(answer["position"], player)
        if block == 1007:
            assert client.get(f"/api/v1/positions/{address}").json() == answer


def compare(position: dict[str, Any] | None, player: dict[str, Any]) -> None:
    """The contract answers zeros for who has no position."""
    if position is None:
        assert player["level"] == 0
        return
    assert position["amount"] == player["amount"]
    assert position["level"]["id"] == player["level"]
    assert (position["status"] == "alive") is player["alive"]
    assert position["pending_rewards"] == player["pendingRewards"]
    assert position["ghost_streak"] == player["ghostStreak"]
    assert position["effective_death_rate_bps"] == player["effectiveDeathRateBps"]
    assert [boost["value_bps"] for boost in position["boosts"]] == [
        boost["valueBps"] for boost in player["activeBoosts"]
    ]
    amount, rate = int(position["amount"]), PENALTY
    assert int(position["effective_amount"]) in (amount, amount - amount * rate[0] // rate[1])


def test_what_a_reset_will_take_is_told_before_it_is_settled(client: Client, truth: Truth) -> None:
    """Right after the reset of block 258 nobody alive has settled."""
    (reset, *_) = truth.document["resets"]
    owing = 0
    for address in truth.document["players"]:
        position = client.get(f"/api/v1/positions/{address}?at_block={reset['block']}").json()["position"]
        if position and position["status"] == "alive":
            amount = int(position["amount"])
            assert int(position["effective_amount"]) == amount - amount * 2_500 // 10_000
            owing += amount * 2_500 // 10_000
    assert owing > 0


def test_addresses_come_in_any_casing_and_go_out_checksummed(client: Client, truth: Truth) -> None:
    address = truth.document["deaths"][0]["user"]
    lower, upper = (client.get(f"/api/v1/positions/{text}").json() for text in (address, "0X" + address[2:].upper()))
    assert lower == upper
    assert is_checksum_address(lower["address"])
    stranger = client.get("/api/v1/positions/0x" + "12" * 20)
    assert (stranger.status_code, stranger.json()["position"]) == (200, None)

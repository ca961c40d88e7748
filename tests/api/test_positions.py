"""Positions equal the contract's own views: each player's at the last block, a third of them at earlier ones."""

from typing import Any

import pytest
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from indexer.replay.recording import RecordedBlock
from indexer.replay.truth import Truth
from tests.api.answers import items_of
from tests.web import WebClient

CLAIM_REWARDS = "372500ab"
"""The selector of `GhostCore.claimRewards`, which a wallet's calldata contains."""
RESET = "0x" + keccak(text="SystemResetTriggered(uint256,address,uint256)").hex()


@pytest.mark.parametrize(("turn", "block"), [*enumerate((137, 314, 510, 686, 882, 1007))])
def test_players_at_every_recorded_block(
    client: WebClient, season: list[RecordedBlock], truth: Truth, turn: int, block: int
) -> None:
    """A third of them, in turn."""
    state = truth.checkpoints[str(block)]
    owing = who_owes(season, truth, block)
    for address, player in [*state["players"].items()][turn % 3 :: 3]:
        answer = client.get(f"/api/v1/positions/{address}?at_block={block}").json()
        assert answer["address"].lower() == address
        compare(answer["position"], player, owes=address in owing)


def test_all_players_now(client: WebClient, season: list[RecordedBlock], truth: Truth) -> None:
    owing = who_owes(season, truth, 1007)
    for number, (address, player) in enumerate(truth.checkpoints["1007"]["players"].items()):
        answer = client.get(f"/api/v1/positions/{address}").json()
        compare(answer["position"], player, owes=address in owing)
        if number % 10 == 0:
            assert client.get(f"/api/v1/positions/{address}?at_block=1007").json() == answer


def who_owes(season: list[RecordedBlock], truth: Truth, block: int) -> set[str]:
    """The players alive after a block who did nothing since the newest reset that would have settled its penalty.

    The contract's views say when they last added (or entered); the recording, and what it is known to hide, who
    claimed.
    """
    resets = [reset["block"] for reset in truth.document["resets"] if reset["block"] <= block]
    if not resets:
        return set()
    reset = season[resets[-1]]
    place = next(n for n, tx in enumerate(reset.txs) if any(log.topics[:1] == [RESET] for log in tx.logs))
    later = [*reset.txs[place + 1 :], *(tx for one in season[reset.number + 1 : block + 1] for tx in one.txs)]
    hidden = {one["tx"]: one["user"] for one in truth.document["silentSettlements"]}
    claimed = {hidden[tx.hash] for tx in later if tx.hash in hidden}
    for transaction in later:
        if transaction.status == 1 and CLAIM_REWARDS in (transaction.input or ""):
            claimed |= {transaction.sender.lower(), str(transaction.to).lower()}
    return {
        address
        for address, player in truth.checkpoints[str(block)]["players"].items()
        if player["alive"] and player["lastAddTimestamp"] < reset.timestamp and address not in claimed
    }


def compare(position: dict[str, Any] | None, player: dict[str, Any], *, owes: bool) -> None:
    """The contract answers zeros for an address without a position."""
    if position is None:
        assert player["level"] == 0
        return
    assert position["amount"] == player["amount"]
    assert position["level"] == player["level"]
    assert (position["status"] == "alive") is player["alive"]
    assert position["pending_rewards"] == player["pendingRewards"]
    assert position["ghost_streak"] == player["ghostStreak"]
    assert position["effective_death_rate_bps"] == player["effectiveDeathRateBps"]
    assert [boost["value_bps"] for boost in position["boosts"]] == [
        boost["valueBps"] for boost in player["activeBoosts"]
    ]
    amount = int(position["amount"])
    assert int(position["effective_amount"]) == amount - (amount * 2_500 // 10_000 if owes else 0)


def test_a_pending_reset_penalty_is_shown_before_it_is_settled(client: WebClient, truth: Truth) -> None:
    """Right after the reset of block 258 nobody alive has settled."""
    (reset, *_) = truth.document["resets"]
    owing = 0
    for address in truth.document["players"][::3]:
        position = client.get(f"/api/v1/positions/{address}?at_block={reset['block']}").json()["position"]
        if position and position["status"] == "alive":
            amount = int(position["amount"])
            assert int(position["effective_amount"]) == amount - amount * 2_500 // 10_000
            owing += amount * 2_500 // 10_000
    assert owing > 0


def test_addresses_come_in_any_casing_and_go_out_checksummed(client: WebClient, truth: Truth) -> None:
    address = truth.document["deaths"][0]["user"]
    lower, upper = (client.get(f"/api/v1/positions/{text}").json() for text in (address, "0X" + address[2:].upper()))
    assert lower == upper
    assert is_checksum_address(lower["address"])
    stranger = client.get("/api/v1/positions/0x" + "12" * 20)
    assert (stranger.status_code, stranger.json()["position"]) == (200, None)


@pytest.mark.parametrize("order", ["amount", "entered_at", "streak"])
def test_all_positions_by_pages(client: WebClient, truth: Truth, order: str) -> None:
    players = truth.checkpoints["1007"]["players"]
    expected = {address: player for address, player in players.items() if player["level"]}
    served = items_of(client, f"/positions?order={order}", 11)
    assert {
        row["address"].lower(): (row["amount"], row["level"], row["status"] == "alive", row["ghost_streak"])
        for row in served
    } == {
        address: (player["amount"], player["level"], player["alive"], player["ghostStreak"])
        for address, player in expected.items()
    }
    key = {"amount": "amount", "entered_at": "entered_at", "streak": "ghost_streak"}[order]
    values = [int(row[key]) if order != "entered_at" else row[key] for row in served]
    assert values == sorted(values, reverse=True)
    assert len(served) == len(expected)


def test_positions_of_a_level_a_status_and_by_offset(client: WebClient, truth: Truth) -> None:
    players = truth.checkpoints["1007"]["players"]
    here = {address for address, player in players.items() if player["level"] == 4 and player["alive"]}
    served = items_of(client, "/positions?level=DARKNET&status=alive", 5)
    assert {row["address"].lower() for row in served} == here
    page = client.get("/api/v1/positions?level=4&status=alive&offset=2&limit=3").json()
    assert page["total"] == len(here)
    assert page["items"] == served[2:5]
    assert client.get("/api/v1/positions?status=ghost").status_code == 422


def test_a_history_adds_up_to_the_position(client: WebClient, truth: Truth) -> None:
    """Each change starts from the total that the one before left, except after leaving."""
    for address in list(truth.checkpoints["1007"]["players"])[::8]:
        changes = items_of(client, f"/positions/{address}/history", 3)[::-1]
        total = 0
        for change in changes:
            total += int(change["amount_change"])
            assert total == int(change["new_total"])
        position = client.get(f"/api/v1/positions/{address}").json()["position"]
        assert total == int(position["amount"] if position else 0)
        entries = items_of(client, f"/positions/{address}/history?action=jacked_in", 100)
        assert len(entries) == sum(change["action"] == "jacked_in" for change in changes)

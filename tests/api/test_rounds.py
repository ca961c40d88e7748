"""DeadPool's market, against the contract's own views."""

from typing import Any

import pytest

from indexer.replay.truth import Truth
from tests.api.answers import items_of
from tests.web import WebClient


@pytest.fixture
def state(truth: Truth) -> dict[str, Any]:
    """What the contracts answered at the last block."""
    answered: dict[str, Any] = truth.checkpoints["1007"]
    return answered


def bettors(state: dict[str, Any]) -> list[str]:
    """Who has ever bet, in the order of their addresses."""
    return sorted({bet["user"] for bet in state["bets"]})


def odds_of(own: int, other: int) -> int:
    """In bps: the pot less a twentieth for the rake (both divisions floor), by the side's pool."""
    pot = own + other
    return (pot - pot * 500 // 10_000) * 10_000 // own if own else 0


def test_all_rounds_are_the_contract_s(client: WebClient, state: dict[str, Any]) -> None:
    served = {str(one["round_id"]): one for one in items_of(client, "/rounds?active_only=false", 5)}
    assert set(served) == set(state["rounds"])
    for number, one in state["rounds"].items():
        assert client.get(f"/api/v1/rounds/{number}").json() == served[number]
        assert (served[number]["over_pool"], served[number]["under_pool"]) == (one["overPool"], one["underPool"])
        assert (served[number]["resolved"], served[number]["line"]) == (one["resolved"], one["line"])
        assert served[number]["outcome"] == (None if not one["resolved"] else "over" if one["outcome"] else "under")
        odds = client.get(f"/api/v1/rounds/{number}/odds").json()
        over, under = int(one["overPool"]), int(one["underPool"])
        assert (odds["over_odds_bps"], odds["under_odds_bps"]) == (odds_of(over, under), odds_of(under, over))
        assert odds["over_odds"] == odds["over_odds_bps"] / 10_000


def test_active_rounds_take_bets(client: WebClient, state: dict[str, Any]) -> None:
    active = {
        int(number)
        for number, one in state["rounds"].items()
        if not one["resolved"] and one["deadline"] > state["timestamp"]
    }
    assert {one["round_id"] for one in items_of(client, "/rounds", 100)} == active
    kinds = ("death_count", "whale_death", "streak_record", "system_reset")
    by_kind = [items_of(client, f"/rounds?active_only=false&type={kind}", 100) for kind in kinds]
    assert sum(map(len, by_kind)) == len(state["rounds"])
    assert all(one["type"] == kind for kind, some in zip(kinds, by_kind, strict=True) for one in some)


def test_bets_of_rounds_and_of_players(client: WebClient, state: dict[str, Any]) -> None:
    """Of each round, and of a third of the players."""
    expected = {
        (bet["roundId"], bet["user"]): (bet["amount"], "over" if bet["isOver"] else "under", bet["claimed"])
        for bet in state["bets"]
    }
    by_round = [bet for number in state["rounds"] for bet in items_of(client, f"/rounds/{number}/bets", 9)]
    players = bettors(state)[::3]
    by_player = [bet for player in players for bet in items_of(client, f"/bets/{player}", 2)]
    theirs = {key: bet for key, bet in expected.items() if key[1] in players}
    for served, right in ((by_round, expected), (by_player, theirs)):
        assert {
            (bet["round_id"], bet["address"].lower()): (bet["amount"], bet["side"], bet["claimed"]) for bet in served
        } == right


def test_what_can_be_claimed_is_what_the_contract_would_pay(client: WebClient, state: dict[str, Any]) -> None:
    waiting = 0
    for player in bettors(state)[1::3]:
        due = {}
        for bet in state["bets"]:
            one = state["rounds"][str(bet["roundId"])]
            if bet["user"] == player and one["resolved"] and one["outcome"] == bet["isOver"] and not bet["claimed"]:
                over, under = int(one["overPool"]), int(one["underPool"])
                pot = over + under
                due[bet["roundId"]] = (
                    int(bet["amount"]) * (pot - pot * 500 // 10_000) // (over if bet["isOver"] else under)
                )
        served = items_of(client, f"/bets/{player}?unclaimed_only=true", 10)
        assert {bet["round_id"]: int(bet["claimable"]) for bet in served} == due
        waiting += len(due)
    assert waiting > 0


def test_the_odds_history_ends_with_the_odds(client: WebClient, state: dict[str, Any]) -> None:
    for number in list(state["rounds"])[::5]:
        history = items_of(client, f"/rounds/{number}/odds/history", 4)
        odds = client.get(f"/api/v1/rounds/{number}/odds").json()
        assert {key: history[0][key] for key in odds} == odds
        assert history[-1]["over_pool"] == history[-1]["under_pool"] == "0"
        blocks = [point["block"] for point in history]
        assert blocks == sorted(blocks, reverse=True)
        for interval, digits in (("hour", 13), ("day", 10)):
            last: dict[str, dict[str, Any]] = {}
            for point in history:
                last.setdefault(point["time"][:digits], point)
            assert items_of(client, f"/rounds/{number}/odds/history?interval={interval}", 4) == [*last.values()]


def test_states_of_rounds_and_bets_are_what_their_contract_says(client: WebClient, state: dict[str, Any]) -> None:
    def state_of(one: dict[str, Any]) -> str:
        return "resolved" if one["resolved"] else "open" if one["deadline"] > state["timestamp"] else "locked"

    for wanted in ("open", "locked", "resolved"):
        expected = {int(number) for number, one in state["rounds"].items() if state_of(one) == wanted}
        served = items_of(client, f"/rounds?state={wanted}", 100)
        assert {one["round_id"] for one in served} == expected
        assert {one["state"] for one in served} <= {wanted}
    assert any(one["target_level"] is None for one in items_of(client, "/rounds?active_only=false", 100))
    assert client.get("/api/v1/rounds?state=locked&active_only=true").status_code == 422
    for one in items_of(client, "/rounds?state=resolved", 100):
        assert int(one["burned"]) == (int(one["over_pool"]) + int(one["under_pool"])) * 500 // 10_000
        assert one["created_at"] < one["resolved_at"]


def test_a_summary_is_the_sum_of_the_player_s_bets(client: WebClient, state: dict[str, Any]) -> None:
    for player in bettors(state)[:8]:
        bets = items_of(client, f"/bets/{player}", 100)
        for status in ("open", "won", "lost", "claimed"):
            some = items_of(client, f"/bets/{player}?status={status}", 100)
            assert some == [bet for bet in bets if bet["status"] == status]

        def total(field: str, *statuses: str, some: list[dict[str, Any]] = bets) -> str:
            return str(sum(int(bet[field]) for bet in some if not statuses or bet["status"] in statuses))

        summary = client.get(f"/api/v1/bets/{player}/summary").json()
        assert (summary["bets"], summary["staked"]) == (len(bets), total("amount"))
        assert (summary["open"], summary["lost"]) == (total("amount", "open"), total("amount", "lost"))
        assert summary["claimable"] == total("claimable", "won")
        assert int(summary["won"]) == int(total("claimable", "won")) + int(total("payout", "claimed"))
        assert summary["staked"] == str(sum(int(one["staked"]) for one in summary["by_type"]))

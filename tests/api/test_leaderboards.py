"""Leaderboards, and one player's place in them."""

import pytest

from tests.web import WebClient

BOARDS = ["streak", "survivors", "staked", "earnings", "losses", "earnings?period=week", "losses?period=month"]


@pytest.mark.parametrize("path", BOARDS)
def test_a_player_s_place_is_the_one_on_the_whole_board(client: WebClient, path: str) -> None:
    path += "&" if "?" in path else "?"
    everyone = client.get(f"/api/v1/leaderboard/{path}limit=500").json()
    assert (everyone["me"], everyone["total"]) == (None, None)
    rows = everyone["items"]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    for row in (rows[0], rows[len(rows) // 2], rows[-1]):
        found = client.get(f"/api/v1/leaderboard/{path}limit=3&address={row['address'].lower()}").json()
        assert found["items"] == rows[:3]
        assert found["total"] == len(rows)
        assert (found["me"]["rank"], found["me"]["entry"]) == (row["rank"], row)
        assert found["me"]["percentile"] == 100 * (len(rows) - row["rank"] + 1) / len(rows)
    nobody = client.get(f"/api/v1/leaderboard/{path}limit=3&address=0x{1:040x}").json()
    assert (nobody["me"], nobody["total"], nobody["items"]) == (None, len(rows), rows[:3])


@pytest.mark.parametrize("path", BOARDS)
def test_yesterday_s_rank_stands_beside_today_s_where_it_is_known(client: WebClient, path: str) -> None:
    """Of the boards of all time: none is known for a period."""
    rows = client.get(f"/api/v1/leaderboard/{path}").json()["items"]
    before = [row["previous_rank"] for row in rows]
    known = [rank for rank in before if rank is not None]
    assert len(set(known)) == len(known)
    assert bool(known) == ("period" not in path)
    asked = "&" if "?" in path else "?"
    me = client.get(f"/api/v1/leaderboard/{path}{asked}address={rows[0]['address']}").json()["me"]
    assert me["previous_rank"] == me["entry"]["previous_rank"] == before[0]


def test_the_largest_stakes_are_those_of_the_living(client: WebClient) -> None:
    alive = client.get("/api/v1/positions?status=alive&limit=1000").json()["items"]
    board = client.get("/api/v1/leaderboard/staked?limit=500").json()["items"]
    assert {row["address"]: (row["amount"], row["level"], row["streak"]) for row in board} == {
        row["address"]: (row["amount"], row["level"], row["ghost_streak"]) for row in alive
    }
    assert [int(row["amount"]) for row in board] == sorted((int(row["amount"]) for row in alive), reverse=True)

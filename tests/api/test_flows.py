"""Flows in buckets: together they add up to what happened."""

from typing import Any

import pytest

from tests.web import WebClient

RANGE = "from=2025-12-31T00:00:00Z&to=2026-02-02T00:00:00Z"


def points(client: WebClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/stats/{path}{'&' if '?' in path else '?'}{RANGE}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()
    return found


def total(rows: list[dict[str, Any]], field: str) -> int:
    return sum(int(row[field]) for row in rows)


@pytest.mark.parametrize("interval", ["hour", "day", "week"])
def test_all_buckets_together_are_the_totals(client: WebClient, interval: str) -> None:
    stats = client.get("/api/v1/stats").json()
    flows = points(client, f"flows?interval={interval}")
    assert (total(flows, "deaths"), total(flows, "lost")) == (stats["deaths"]["count"], int(stats["deaths"]["amount"]))
    assert total(flows, "entries") - total(flows, "exits") >= stats["players"]
    burns = points(client, f"burns/history?interval={interval}")
    assert {source: str(total(burns, source)) for source in stats["burned"]} == stats["burned"]
    assert all(int(row["total"]) == sum(int(row[name]) for name in stats["burned"] if name != "total") for row in burns)


def test_levels_together_are_the_whole(client: WebClient) -> None:
    by_level = [points(client, f"flows?level={level}") for level in range(1, 6)]
    for field in ("entries", "entered", "additions", "exits", "withdrawn", "rewards", "culled", "deaths"):
        assert sum(total(rows, field) for rows in by_level) == total(points(client, "flows"), field) > 0
    last = [points(client, f"tvl/history?level={level}")[-1] for level in range(1, 6)]
    levels = client.get("/api/v1/stats/levels").json()
    assert [point["tvl"] for point in last] == [level["total_staked"] for level in levels]


def test_bets_by_type_are_all_bets(client: WebClient) -> None:
    kinds = ("death_count", "whale_death", "streak_record", "system_reset")
    by_type = [points(client, f"bets/history?type={kind}") for kind in kinds]
    everything = points(client, "bets/history")
    for field in ("placed", "staked", "claimed", "payout"):
        assert sum(total(rows, field) for rows in by_type) == total(everything, field) > 0

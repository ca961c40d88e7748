"""How many statements an answer needs: a number that must not grow with its rows."""

from typing import Any

import pytest
from django.db import connection
from prometheus_client import REGISTRY

from ghostnet.http.handler import respond
from tests.api.paths import PLAYER, TRANSACTION
from tests.databases import default_database

QUERIES = {
    f"/positions/{PLAYER}": 1,
    f"/positions/{PLAYER}?at_block=314": 4,
    f"/positions/{PLAYER}/history?limit=100": 3,
    "/positions?limit=1": 4,
    "/positions?limit=1000": 4,
    "/positions?limit=1000&offset=0": 5,
    "/positions/at-risk?level=1&threshold=1000": 6,
    "/scans?limit=100": 3,
    "/scans/5/1": 3,
    "/scans/5/next": 3,
    "/scans/5/1/deaths": 4,
    "/deaths?limit=100": 3,
    f"/deaths/{PLAYER}": 3,
    "/rounds?active_only=false": 3,
    "/rounds/1": 3,
    "/rounds/1/bets": 4,
    "/rounds/1/odds": 3,
    "/rounds/1/odds/history": 4,
    f"/bets/{PLAYER}": 4,
    f"/bets/{PLAYER}/summary": 3,
    f"/leaderboard/streak?address={PLAYER}": 3,
    "/leaderboard/staked?limit=500": 3,
    "/stats": 9,
    "/stats/levels": 8,
    "/stats/burns": 4,
    "/stats/deaths": 4,
    "/stats/volume": 3,
    "/stats/flows": 3,
    "/stats/burns/history": 3,
    "/stats/bets/history": 3,
    "/network": 7,
    "/stats/tvl/history": 4,
    "/leaderboard/streak?limit=500": 3,
    "/leaderboard/survivors?limit=500": 3,
    "/leaderboard/earnings?limit=500": 3,
    "/leaderboard/losses?limit=500&period=week": 3,
    "/events?limit=100": 4,
    "/blocks/314": 4,
    f"/transactions/{TRANSACTION}": 6,
    "/rounds/1/odds/history?interval=day": 4,
    "/feed?limit=100": 13,
    "/status": 5,
}


def statements() -> float:
    return REGISTRY.get_sample_value("db_query_duration_seconds_count") or 0


@pytest.mark.parametrize(("path", "most"), QUERIES.items())
def test_an_answer_needs_so_many_statements(indexed_season: str, django_db_blocker: Any, path: str, most: int) -> None:
    """The beginning and the end of its transaction included."""
    bare, _, query = path.partition("?")
    scope = {"type": "http", "method": "GET", "path": f"/api/v1{bare}", "query_string": query.encode(), "headers": []}
    with django_db_blocker.unblock(), default_database(indexed_season):
        connection.ensure_connection()
        before = statements()
        answer = respond(scope)
        assert answer.status == 200, answer.body
        assert statements() - before <= most

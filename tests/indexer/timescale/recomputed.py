"""Every aggregate, recomputed from history by independent SQL."""

from typing import Any

from psycopg import Connection

GRAINS = {"hourly": "hour", "daily": "day"}

RECOMPUTED = {
    "tvl": """SELECT DISTINCT ON ({bucket}) {bucket}, total_value_locked FROM protocol_states
        ORDER BY {bucket}, id DESC""",
    "level_tvl": """SELECT DISTINCT ON ({bucket}, level) {bucket}, level, total_staked, alive_count FROM level_states
        ORDER BY {bucket}, level, id DESC""",
    "position_flow": """SELECT {bucket}, action, level, count(*), sum(amount_change), sum(penalty), sum(rewards)
        FROM positions GROUP BY 1, 2, 3""",
    "player_earnings": "SELECT {bucket}, address, sum(rewards) FROM positions WHERE rewards > 0 GROUP BY 1, 2",
    "player_losses": "SELECT {bucket}, address, sum(amount), count(*) FROM deaths GROUP BY 1, 2",
    "level_deaths": """SELECT {bucket}, level, count(*), sum(amount), max(amount), sum(streak), max(streak)
        FROM deaths GROUP BY 1, 2""",
    "scan_flow": """SELECT {bucket}, level, count(*) FILTER (WHERE step = 'executed'),
        count(*) FILTER (WHERE finalized_at IS NOT NULL), coalesce(sum(same_level_amount), 0),
        coalesce(sum(upstream_amount), 0), coalesce(sum(protocol_amount), 0), coalesce(sum(burned), 0)
        FROM scans GROUP BY 1, 2""",
    "token_volume": "SELECT {bucket}, count(*), sum(amount) FROM token_transfers GROUP BY 1",
    "token_tax": """SELECT {bucket}, sum((name = 'TaxBurned')::int),
        sum(CASE name WHEN 'TaxBurned' THEN (args->>'amount')::numeric ELSE 0 END),
        sum(CASE name WHEN 'TaxCollected' THEN (args->>'amount')::numeric ELSE 0 END)
        FROM chain_events WHERE name IN ('TaxBurned', 'TaxCollected') GROUP BY 1""",
    "bet_flow": """SELECT {bucket}, (SELECT r.round_type FROM current_rounds AS r WHERE r.round_id = bets.round_id),
        sum((NOT claimed)::int), sum(amount_change), sum(claimed::int), sum(payout) FROM bets GROUP BY 1, 2""",
    "round_flow": """SELECT {bucket}, round_type, sum((action = 'created')::int), sum((action = 'resolved')::int),
        sum(burned) FROM rounds GROUP BY 1, 2""",
    "culling_flow": """SELECT {bucket}, level, count(*), sum(amount), sum(penalty_amount), sum(returned_amount),
        sum(div(penalty_amount * 3, 10)) FROM cullings GROUP BY 1, 2""",
    "reset_flow": """SELECT {bucket}, count(*), sum(total_penalty), sum(paid_amount), sum(burned)
        FROM system_resets GROUP BY 1""",
    "toll_flow": "SELECT {bucket}, reason, count(*), sum(amount) FROM tolls GROUP BY 1, 2",
    "buyback_flow": """SELECT {bucket}, count(*), sum(eth_spent), sum(data_received), sum(data_burned)
        FROM buybacks GROUP BY 1""",
    "emission_flow": """SELECT {bucket}, level, count(*), sum(amount),
        sum(CASE WHEN credited THEN amount ELSE 0 END) FROM emissions GROUP BY 1, 2""",
}


def recomputed(connection: Connection[Any], name: str, grain: str) -> set[tuple[Any, ...]]:
    """An aggregate's rows as history has them."""
    bucket = f"date_trunc('{GRAINS[grain]}', block_time, 'UTC')"
    return set(connection.execute(RECOMPUTED[name].format(bucket=bucket)).fetchall())


def stored(connection: Connection[Any], name: str, grain: str) -> set[tuple[Any, ...]]:
    """An aggregate's rows as the view has them, without the id of the newest row."""
    return {row[:-1] for row in connection.execute(f"SELECT * FROM {name}_{grain}").fetchall()}


def all_stored(connection: Connection[Any]) -> dict[str, set[tuple[Any, ...]]]:
    """All aggregates."""
    return {f"{name}_{grain}": stored(connection, name, grain) for name in RECOMPUTED for grain in GRAINS}


def assert_aggregates_match_history(connection: Connection[Any]) -> None:
    """Every aggregate equals its recomputation, and none is empty."""
    for name in RECOMPUTED:
        for grain in GRAINS:
            expected = recomputed(connection, name, grain)
            assert expected, f"the season has nothing for {name}"
            assert stored(connection, name, grain) == expected, f"{name}_{grain}"

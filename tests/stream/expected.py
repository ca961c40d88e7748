"""The expected feed, computed from the tables by the protocol's documentation instead of the project's code."""

from collections.abc import Collection
from typing import Any

from psycopg import Connection

TYPES = {
    "JackedIn": ("positions", "JACK_IN"),
    "StakeAdded": ("positions", "STAKE_ADDED"),
    "Extracted": ("positions", "EXTRACTED"),
    "PositionCulled": ("positions", "POSITION_CULLED"),
    "BoostApplied": ("positions", "BOOST_APPLIED"),
    "ScanExecuted": ("scans", "SCAN_EXECUTED"),
    "ScanFinalized": ("scans", "SCAN_FINALIZED"),
    "CascadeDistributed": ("scans", "CASCADE"),
    "DeathsProcessed": ("deaths", "DEATHS_PROCESSED"),
    "RoundCreated": ("markets", "ROUND_CREATED"),
    "BetPlaced": ("markets", "BET_PLACED"),
    "RoundResolved": ("markets", "ROUND_RESOLVED"),
    "WinningsClaimed": ("markets", "WINNINGS_CLAIMED"),
    "TaxBurned": ("tokens", "TAX"),
    "TaxCollected": ("tokens", "TAX"),
    "TollCollected": ("fees", "TOLL"),
    "BuybackExecuted": ("fees", "BUYBACK"),
    "SystemResetTriggered": ("system", "SYSTEM_RESET"),
    "EmissionsAdded": ("system", "EMISSIONS"),
}
"""The channel and the type of each event but Transfer, whose type depends on its amount."""


def expected_feed(connection: Connection[Any], channels: Collection[str]) -> dict[int, str]:
    """The ids and types of all that these channels carry, of the chain as the tables have it."""
    found: dict[int, str] = {}

    def add(item_id: int, channel: str, kind: str) -> None:
        if channel in channels or ("feed" in channels and kind not in ("TRANSFER", "TAX")):
            found[item_id] = kind

    for event_id, name, value in connection.execute("SELECT id, name, args->>'value' FROM chain_events"):
        if name == "Transfer":
            add(event_id, "tokens", "LARGE_TRANSFER" if int(value) >= 1_000 * 10**18 else "TRANSFER")
        elif name in TYPES:
            add(event_id, *TYPES[name])
    for (row_id,) in connection.execute("SELECT id FROM deaths"):
        add(row_id + (1 << 22), "deaths", "TRACED")
    for (row_id,) in connection.execute("SELECT id FROM positions WHERE action = 'rewards_claimed'"):
        add(row_id + (3 << 21), "positions", "REWARDS_CLAIMED")
    return found

"""The items of players who survived scans: not stored, and made of the tables for those players who are watched."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from psycopg import AsyncConnection

from indexer.domain.positions import Status
from indexer.domain.units import address_of, first_id, to_bytes
from indexer.stream.feed import FeedItem, survivor_item

_SURVIVORS: Final = f"""
    SELECT p.address, s.survived_scans - p.streak_base
        + CASE WHEN (SELECT max(block_number) FROM checkpoints) < %(block)s THEN 1 ELSE 0 END
    FROM unnest(%(players)s::bytea[]) AS watched (address) CROSS JOIN LATERAL (
        SELECT * FROM positions WHERE address = watched.address AND id < %(end)s AND coalesce(event_id, 0) < %(scan)s
        ORDER BY id DESC LIMIT 1
    ) AS p CROSS JOIN (
        SELECT survived_scans FROM level_states WHERE level = %(level)s AND id < %(end)s ORDER BY id DESC LIMIT 1
    ) AS s
    WHERE p.level = %(level)s AND p.on_roster AND p.status = '{Status.ALIVE}'
"""
"""The streak after the scan: of one that is in no block yet, what it adds is in no table."""


async def survivor_items(
    connection: AsyncConnection[Any], items: Iterable[FeedItem], players: Collection[str]
) -> list[FeedItem]:
    """The items of those of some players (lower-case addresses) who survived a scan that one of the items ended, with
    the streak afterwards (rule 16); of a scan that is preconfirmed, as far as the tables show it by now."""
    ended = [item for item in items if item.type == "SCAN_FINALIZED"] if players else ()
    found: list[FeedItem] = []
    for scan in ended:
        parameters = {
            "players": list(map(to_bytes, players)),
            "level": scan.event.data["level"],
            "scan": scan.id,
            "block": scan.block_number,
            "end": first_id(scan.block_number + 1),
        }
        rows = await connection.execute(_SURVIVORS, parameters, prepare=True)
        found += [survivor_item(scan, address_of(address), int(streak)) async for address, streak in rows]
    return found

"""The stored headers of the newest blocks, by which a reorg is detected."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from psycopg import Connection

from indexer.domain.chain import Header
from indexer.domain.units import LOG_INDEX_BITS, NO_HASH, Hash, first_id, hash_of, to_bytes


class StoredHeader(NamedTuple):
    """The height and hash of an indexed block."""

    number: int
    hash: Hash


def stored_header(connection: Connection[Any], number: int) -> Header | None:
    """The header of an indexed block, without its parent; None if it is no longer stored, or never was."""
    row = connection.execute("SELECT hash, timestamp FROM blocks WHERE number = %s", (number,)).fetchone()
    return None if row is None else Header(number, hash_of(row[0]), NO_HASH, int(row[1]))


def stored_headers(connection: Connection[Any], highest: int, sizes: Iterator[int]) -> Iterator[list[StoredHeader]]:
    """Headers from block `highest` downwards, newest first, in portions whose sizes `sizes` yields."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, hash FROM blocks WHERE number <= %s ORDER BY number DESC", (highest,))
        while portion := cursor.fetchmany(next(sizes)):
            yield [StoredHeader(int(number), hash_of(block_hash)) for number, block_hash in portion]


def proving_blocks(connection: Connection[Any], finalized: int) -> dict[int, Hash]:
    """The hashes of blocks by which a node proves that it serves the indexed chain: the oldest stored block, and the
    newest at or below `finalized`."""
    found = connection.execute(
        "SELECT number, hash FROM blocks WHERE number IN ((SELECT min(number) FROM blocks),"
        " (SELECT max(number) FROM blocks WHERE number <= %s)) AND number <= %s ORDER BY number",
        (finalized, finalized),
    )
    return {int(number): hash_of(block_hash) for number, block_hash in found}


def known_hashes(connection: Connection[Any], first: int, last: int) -> dict[int, Hash]:
    """The hashes of blocks first to last, by number, as far as their headers are stored."""
    rows = connection.execute("SELECT number, hash FROM blocks WHERE number BETWEEN %s AND %s", (first, last))
    return {int(number): hash_of(block_hash) for number, block_hash in rows}


def newest_hash(connection: Connection[Any], highest: int) -> StoredHeader | None:
    """The newest block up to `highest` whose hash is known: its header is stored, or it is archived; None for none."""
    row = connection.execute(
        "(SELECT number, hash FROM blocks WHERE number <= %(highest)s ORDER BY number DESC LIMIT 1) UNION ALL"
        " (SELECT id >> %(bits)s, hash FROM chain_blocks WHERE id < %(end)s ORDER BY id DESC LIMIT 1)"
        " ORDER BY number DESC LIMIT 1",
        {"highest": highest, "bits": LOG_INDEX_BITS, "end": first_id(highest + 1)},
    ).fetchone()
    return None if row is None else StoredHeader(int(row[0]), hash_of(row[1]))


def store_header(connection: Connection[Any], header: Header) -> None:
    """Store the header of an indexed block again, to roll back to it; one that is stored is kept."""
    connection.execute(
        "INSERT INTO blocks (number, hash, timestamp) VALUES (%s, %s, %s) ON CONFLICT (number) DO NOTHING",
        (header.number, to_bytes(header.hash), header.timestamp),
    )

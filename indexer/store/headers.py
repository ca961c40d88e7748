"""The block headers that are remembered near the head: what a reorg is recognised by."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from psycopg import Connection

from indexer.domain.units import Hash, hash_of


class StoredHeader(NamedTuple):
    """The height and hash of an indexed block."""

    number: int
    hash: Hash


def stored_headers(connection: Connection[Any], highest: int, at_once: Iterator[int]) -> Iterator[list[StoredHeader]]:
    """Headers from block `highest` downwards, newest first, in portions whose sizes `at_once` gives."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, hash FROM blocks WHERE number <= %s ORDER BY number DESC", (highest,))
        while portion := cursor.fetchmany(next(at_once)):
            yield [StoredHeader(int(number), hash_of(block_hash)) for number, block_hash in portion]

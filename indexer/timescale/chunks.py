"""The chunks of the hypertables."""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection


class Chunk(NamedTuple):
    """A chunk: its table, its name with its schema, and the half-open range of its rows' block times."""

    table: str
    name: str
    start: datetime
    end: datetime
    compressed: bool


def chunks_before(connection: Connection[Any], end: datetime) -> list[Chunk]:
    """All chunks of history tables that end at `end` or before, the oldest first."""
    rows = connection.execute(
        "SELECT hypertable_name, format('%%I.%%I', chunk_schema, chunk_name), range_start, range_end, is_compressed"
        " FROM timescaledb_information.chunks WHERE hypertable_schema = current_schema() AND range_end <= %s"
        " ORDER BY range_end, 2",
        (end,),
    )
    return [Chunk(*row) for row in rows]

"""Read single values of the tables."""

from typing import Any

import psycopg


def fetch_one(connection: psycopg.Connection[Any], sql: str) -> Any:
    """The first column of a query's first row."""
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]

"""From when on history is whole."""

from datetime import datetime
from typing import Any

from psycopg import Connection


def horizon(connection: Connection[Any], name: str) -> datetime | None:
    """The time before which a table's rows may be gone; None if it has them all."""
    row = connection.execute("SELECT before FROM retention_horizons WHERE name = %s", (name,)).fetchone()
    return row[0] if row else None

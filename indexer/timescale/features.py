"""Whether a database server has TimescaleDB, or could have it."""

from typing import Any

from indexer.base.errors import GhostnetError


class NoTimescale(GhostnetError):
    """An operation needs TimescaleDB, and the server has none."""

    help = (
        "docs/operations.md describes how to move to one; without it nothing is compressed or retired, and much is "
        "slower."
    )


def has_timescaledb(connection: Any) -> bool:
    """Whether the extension is installed in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
        return bool(cursor.fetchone()[0])


def can_have_timescaledb(connection: Any) -> bool:
    """Whether the extension could be installed: its files are there and the server has preloaded it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')"
            " AND current_setting('shared_preload_libraries') LIKE '%timescaledb%'"
        )
        return bool(cursor.fetchone()[0])

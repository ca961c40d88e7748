"""SQL's `time_bucket`, on a server with TimescaleDB and on a plain one."""

from django.db import connection as django_connection


def test_time_bucket_gives_weeks_that_begin_on_monday(database: str) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT time_bucket('7 days', timestamptz '2026-11-22 23:59:59+00')")
        assert cursor.fetchone()[0].isoformat() == "2026-11-16T00:00:00+00:00"

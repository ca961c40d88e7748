"""The database backend: TimescaleDB where the server has it, plain PostgreSQL where not."""

import logging
from pathlib import Path
from threading import Event
from typing import Any, Final

from django.db import OperationalError
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper

from ghostnet.database.embedded import EmbeddedPostgres, EmbeddedPostgresFailed
from ghostnet.database.schema import SchemaEditor
from indexer.selectors.timing import record_time
from indexer.store.database import database_failures
from indexer.store.lock import SCHEMA_LOCK
from indexer.store.session import SET_SESSION
from indexer.timescale.features import can_have_timescaledb, has_timescaledb

logger = logging.getLogger(__name__)

_PLAIN_TIME_BUCKET = """
CREATE OR REPLACE FUNCTION public.time_bucket(bucket_width interval, ts timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT date_bin(bucket_width, ts, timestamptz '2000-01-03 00:00:00+00') $$
"""


SILENT_SERVER: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
"""A connection attempt to a silent server fails after five seconds, and a connection to a host that does not even
acknowledge what it receives after twenty, though an answer may take longer; by default that is a quarter of an hour, or
hours. Parameters of the same names in DATABASE_URL take precedence."""


class DatabaseWrapper(PostgresWrapper):
    """PostgreSQL with or without TimescaleDB.

    A database with `EMBEDDED_IN` in its settings runs on the embedded server of that folder, which is started when
    the first connection needs it.
    """

    SchemaEditorClass = SchemaEditor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(record_time)

    def prepare_database(self) -> None:
        """Before migrations: wait until no other session migrates, and create the extension where the server has it,
        else a `time_bucket` with the same results for widths of fixed length (no months or years).

        No process claims the tables until all is migrated (`ghostnet.apps`), or the session ends. Raises
        PooledConnection and DatabaseUnusable.
        """
        with database_failures():
            super().prepare_database()
            self._prepare()

    def _prepare(self) -> None:
        self.ensure_connection()
        if not SCHEMA_LOCK.try_acquire(self.connection):
            logger.warning("the database is being migrated by another process; waiting for it")
            SCHEMA_LOCK.acquire(self.connection, Event())
        if can_have_timescaledb(self):
            with self.cursor() as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        elif not has_timescaledb(self):
            with self.cursor() as cursor:
                cursor.execute(_PLAIN_TIME_BUCKET)

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self.connection.execute(SET_SESSION)

    def get_connection_params(self) -> dict[str, Any]:
        folder = self.settings_dict.get("EMBEDDED_IN")
        if folder is not None:
            server = EmbeddedPostgres(Path(folder), durable=self.settings_dict.get("EMBEDDED_DURABLE", True))
            try:
                self.settings_dict["HOST"] = str(server.ensure_running())
            except EmbeddedPostgresFailed as failure:  # for who has to bear any server's absence
                raise OperationalError(failure.message) from failure
        return SILENT_SERVER | super().get_connection_params()

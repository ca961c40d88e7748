"""Migrations that make hypertables where there is TimescaleDB, and ordinary tables where not."""

from typing import Any, Final, Self

from django.db.models import Model
from timescale.db.backends.postgresql.schema import TimescaleSchemaEditor

from indexer.store.lock import NEW_FENCE
from indexer.timescale.features import has_timescaledb

_END_CLAIM: Final = (
    f"DO $$ BEGIN {NEW_FENCE}; EXCEPTION WHEN undefined_table OR undefined_column THEN NULL; END $$"  # not yet made
)


class SchemaEditor(TimescaleSchemaEditor):  # type: ignore[misc]
    """django-timescaledb's editor, with three changes.

    It ends the claim to the tables that there is: an indexer that works while `migrate` runs commits nothing more, and
    looks at the migrations before it goes on, or it would go on writing what an older version writes. It leaves tables
    as they are on a server without the extension, and it widens a hypertable's primary key by the time column, which
    uniqueness on a hypertable needs, instead of dropping it.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        if not self.collect_sql:
            self.execute(_END_CLAIM)
        return self

    def _create_hypertable(self, model: type[Model], field: Any, should_migrate: bool = False) -> None:
        if has_timescaledb(self.connection):
            super()._create_hypertable(model, field, should_migrate)

    def _set_chunk_time_interval(self, model: type[Model], field: Any) -> None:
        if has_timescaledb(self.connection):
            super()._set_chunk_time_interval(model, field)

    def _drop_primary_key(self, model: type[Model]) -> None:
        super()._drop_primary_key(model)
        table = self.quote_name(model._meta.db_table)
        time_column = next(field.column for field in model._meta.local_fields if hasattr(field, "interval"))
        key = model._meta.pk
        assert key is not None
        self.execute(
            f"ALTER TABLE {table} ADD PRIMARY KEY ({self.quote_name(key.column)}, {self.quote_name(time_column)})"
        )

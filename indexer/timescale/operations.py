"""Migration operations for TimescaleDB; on a plain server an aggregate is a plain view of the same columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.migrations.operations.base import Operation

from indexer.timescale.features import has_timescaledb

GRAINS: Final = {"hourly": "1 hour", "daily": "1 day"}
"""The widths of buckets, aligned in UTC, by the suffix of the view's name; each is made of the one before."""


@dataclass(frozen=True, slots=True)
class Value:
    """A column of an aggregate as SQL: computed from rows, and from the same column of narrower buckets.

    Without `rollup` it can't be computed from narrower buckets; wide buckets are then computed from rows, too.
    """

    of_rows: str
    rollup: str | None


def total(expression: str, condition: str = "TRUE") -> Value:
    """A sum; 0 if no row meets the condition."""
    return Value(f"coalesce(sum({expression}) FILTER (WHERE {condition}), 0)", "sum({name})")


def count(condition: str = "TRUE") -> Value:
    """A number of rows."""
    return Value(f"count(*) FILTER (WHERE {condition})", "sum({name})::bigint")


def most(expression: str) -> Value:
    """The largest value."""
    return Value(f"max({expression})", "max({name})")


def last(expression: str) -> Value:
    """The value of the row with the greatest id: rows compare as arrays, by their first element first."""
    return Value(f"(max(ARRAY[id::numeric, {expression}::numeric]))[2]", "(max(ARRAY[last_id::numeric, {name}]))[2]")


def distinct(expression: str) -> Value:
    """How many different values."""
    return Value(f"count(DISTINCT {expression})", None)


class OutsideModels(Operation):
    """A change of the database that no managed model describes; its readers are unmanaged models or plain SQL."""

    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes for the models."""


class ContinuousAggregate(OutsideModels):
    """Views `<name>_hourly` and `<name>_daily` over a history table: bucket, the columns of `by`, those of `values`.

    With TimescaleDB they are real-time continuous aggregates, the daily made of the hourly; they are created empty,
    since a transaction can't fill them, which their real-time part makes up for until somebody refreshes them.
    """

    def __init__(
        self, name: str, source: str, values: Mapping[str, Value], by: tuple[str, ...] = (), where: str = "TRUE"
    ) -> None:
        self.name = name
        self.source = source
        self.values = values
        self.by = by
        self.where = where

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        continuous = has_timescaledb(schema_editor.connection)
        for grain in GRAINS:
            query = self.query(grain, rolled_up=continuous)
            if continuous:
                schema_editor.execute(
                    f"CREATE MATERIALIZED VIEW {self.name}_{grain}"
                    " WITH (timescaledb.continuous, timescaledb.materialized_only = false)"
                    f" AS {query} WITH NO DATA"
                )
            else:
                schema_editor.execute(f"CREATE VIEW {self.name}_{grain} AS {query}")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        kind = "MATERIALIZED VIEW" if has_timescaledb(schema_editor.connection) else "VIEW"
        for grain in reversed(GRAINS):
            schema_editor.execute(f"DROP {kind} {self.name}_{grain}")

    def describe(self) -> str:
        return f"Create the aggregates {' and '.join(f'{self.name}_{grain}' for grain in GRAINS)}"

    @property
    def migration_name_fragment(self) -> str:
        return self.name

    def query(self, grain: str, *, rolled_up: bool) -> str:
        """The view's SELECT; `rolled_up` makes wide buckets of narrow ones where that is possible."""
        keys = "".join(f", {key}" for key in self.by)
        groups = ", ".join(str(number + 1) for number in range(len(self.by) + 1))
        if grain == "daily" and rolled_up and all(value.rollup for value in self.values.values()):
            columns = {name: (value.rollup or "").format(name=name) for name, value in self.values.items()}
            source, time, where = f"{self.name}_hourly", "bucket", "TRUE"
            last_id = "max(last_id)"
        else:
            columns = {name: value.of_rows for name, value in self.values.items()}
            source, time, where = self.source, "block_time", self.where
            last_id = "max(id)"
        columns["last_id"] = last_id
        selected = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
        return (
            f"SELECT time_bucket('{GRAINS[grain]}', {time}) AS bucket{keys}, {selected}"
            f" FROM {source} WHERE {where} GROUP BY {groups}"
        )


class RemoveContinuousAggregate(ContinuousAggregate):
    """Drops what a ContinuousAggregate has created, which its arguments describe."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        super().database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Drop the aggregates {' and '.join(f'{self.name}_{grain}' for grain in GRAINS)}"


class Columnstore(OutsideModels):
    """Lets TimescaleDB compress a history table's chunks, in chain order and without segments.

    Segments by contract, event, level or player make most tables larger, as docs/performance/timescaledb.md shows.
    """

    def __init__(self, table: str) -> None:
        self.table = table

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if has_timescaledb(schema_editor.connection):
            schema_editor.execute(
                f"ALTER TABLE {self.table} SET (timescaledb.enable_columnstore, timescaledb.segmentby = '',"
                " timescaledb.orderby = 'id')"
            )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if has_timescaledb(schema_editor.connection):
            schema_editor.execute(f"ALTER TABLE {self.table} SET (timescaledb.enable_columnstore = false)")

    def describe(self) -> str:
        return f"Let chunks of {self.table} be compressed"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.table}_columnstore"


class PlainBucketIndex(OutsideModels):
    """On a plain server: a BRIN index over a history table's buckets, for the views of its aggregates.

    Rows come in the order of time, so it is some kilobytes small and costs next to nothing to keep.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if not has_timescaledb(schema_editor.connection):
            buckets = ", ".join(f"time_bucket('{width}', block_time)" for width in GRAINS.values())
            schema_editor.execute(
                f"CREATE INDEX {self.source}_by_bucket ON {self.source} USING brin ({buckets}) WITH (autosummarize)"
            )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f"DROP INDEX IF EXISTS {self.source}_by_bucket")

    def describe(self) -> str:
        return f"Index the buckets of {self.source} on a plain server"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.source}_by_bucket"

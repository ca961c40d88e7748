"""Copy all of the indexer's tables to another database, and verify the copy by its digest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import BigAutoField, Model
from psycopg import Connection, sql

from indexer.base.errors import GhostnetError
from indexer.store.claim import exclusive_tables
from indexer.store.digest import state_digest
from indexer.store.loader import Snapshot
from indexer.store.schema import check_schema

OnTable = Callable[[str, int], None]
"""Called after each table with its name and the number of rows copied."""


class TargetNotEmpty(GhostnetError):
    """The target database holds a chain already."""

    help = "Name an empty database; the copy migrates it itself."


class CopyDiffers(GhostnetError):
    """The target's digest is not the source's."""

    help = "Drop the target database, make sure that nothing else writes to it, and copy again."


@dataclass(frozen=True, slots=True)
class Copied:
    """A finished copy: the number of rows, and the digest of both databases."""

    rows: int
    digest: str


def copy_database(source: Connection[Any], target: Connection[Any], on_table: OnTable) -> Copied:
    """Copy all rows of all of the indexer's tables to a migrated, empty database, in one transaction there.

    Raises SchemaMismatch, NothingIndexed, IndexerAtWork while an indexer writes to the source or the target,
    TargetNotEmpty, and CopyDiffers if the digests are not the same afterwards.
    """
    for connection in (source, target):
        check_schema(connection)
    chain_id = Snapshot(source).checkpoint.chain_id
    if target.execute("SELECT FROM checkpoints").rowcount:
        raise TargetNotEmpty("the target database holds a chain already")
    rows = 0
    with exclusive_tables(source, chain_id), exclusive_tables(target, chain_id):
        with target.transaction():
            for model in apps.get_app_config("indexer").get_models():
                copied = _copy_table(source, target, model)
                on_table(model._meta.db_table, copied)
                rows += copied
        digest, copied_digest = state_digest(source), state_digest(target)
        if digest != copied_digest:
            raise CopyDiffers(f"the digest here is {digest}, there {copied_digest}")
    return Copied(rows, digest)


def _copy_table(source: Connection[Any], target: Connection[Any], model: type[Model]) -> int:
    """Copy a table in the order of its primary key, which is chain order; return the number of rows."""
    key = model._meta.pk
    assert key is not None, "every model has a primary key"
    table = sql.Identifier(model._meta.db_table)
    columns = sql.SQL(", ").join(sql.Identifier(field.attname) for field in model._meta.concrete_fields)
    copy_out = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        columns, table, sql.Identifier(key.attname)
    )
    copy_in = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
    with source.cursor() as reader, target.cursor() as writer:
        with reader.copy(copy_out) as outgoing, writer.copy(copy_in) as incoming:
            for data in outgoing:
                incoming.write(data)
        copied = writer.rowcount
        if isinstance(key, BigAutoField):
            sequence = sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}").format(
                sql.Literal(model._meta.db_table), sql.Literal(key.attname), sql.Identifier(key.attname), table
            )
            writer.execute(sequence)
    return copied

"""Whether the tables are those of this version of the code: the migrations that it has, and those that were applied."""

import re
from collections.abc import Collection
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

import psycopg
from django import db
from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import module_has_submodule
from psycopg import Connection

from indexer.base.errors import Retryable
from indexer.store.database import DatabaseUnusable, connect, sqlstate_of
from indexer.store.lock import SCHEMA_LOCK

Migration = tuple[str, str]
"""A migration by its app's label and its name."""

OWN_APP: Final = "indexer"
_OF_SCHEMA: Final = re.compile("42...|3F000|23502")
"""The SQLSTATEs of statements that need other tables than there are: 42 for what is unknown or of another type, 3F000
for no such schema, 23502 for a column without a value."""
MAX_NAMED: Final = 3


class SchemaMismatch(DatabaseUnusable):
    """The tables are those of another version of the code."""


class SchemaChanging(DatabaseUnusable, Retryable):
    """The tables are being changed, so that nothing may be written."""

    help = "This ends with `manage.py migrate`, which is at work: see pg_locks for its session."


def check_schema(connection: Connection[Any] | BaseDatabaseWrapper) -> None:
    """Raise SchemaMismatch unless exactly the migrations of this version of the code are applied.

    Of other apps than the indexer more may be applied.
    """
    mismatch = schema_mismatch(connection)
    if mismatch is not None:
        raise mismatch


def hold_schema(connection: Connection[Any]) -> None:
    """Let no migration begin before the end of the transaction at hand, and check the schema.

    Raises SchemaChanging while a migration is under way, and SchemaMismatch.
    """
    row = connection.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", (SCHEMA_LOCK.key,)).fetchone()
    if row is None or not row[0]:
        raise SchemaChanging("the tables are being migrated")
    check_schema(connection)


def schema_mismatch(connection: Connection[Any] | BaseDatabaseWrapper) -> SchemaMismatch | None:
    """How the tables differ from those of this version of the code, None if they do not."""
    applied = _applied(connection)
    if newer := sorted(name for name in applied - _of_this_version() if name[0] == OWN_APP):
        return SchemaMismatch(
            f"the database was migrated by another version of this code, which has {_named(newer)}",
            help="Run that version. To go back to this one, restore the backup from before (docs/operations.md).",
        )
    if missing := missing_migrations(connection, applied):
        return SchemaMismatch(
            f"the database lacks {_named(missing)}" if applied else "the database has no tables yet",
            help="Run `manage.py migrate`. Web processes then go on by themselves; start indexer and commands again.",
        )
    return None


def missing_migrations(
    connection: Connection[Any] | BaseDatabaseWrapper, applied: Collection[Migration] | None = None
) -> list[Migration]:
    """The migrations of this version of the code that are not `applied` (None: to be read)."""
    return sorted(_of_this_version().difference(_applied(connection) if applied is None else applied))


def schema_failure(error: Exception) -> SchemaMismatch | None:
    """The mismatch that explains a statement's error, read on a new connection; None if there is none, or the error is
    of another kind. Blocks."""
    if not isinstance(error, db.Error | psycopg.Error) or not _OF_SCHEMA.fullmatch(sqlstate_of(error) or ""):
        return None
    try:
        with connect() as connection:
            return schema_mismatch(connection)
    except (db.Error, psycopg.Error):
        return None  # the database is away by now


def _applied(connection: Connection[Any] | BaseDatabaseWrapper) -> set[Migration]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return set()
        cursor.execute("SELECT app, name FROM django_migrations")
        return set(cursor.fetchall())


@cache
def _of_this_version() -> frozenset[Migration]:
    """All migrations of the installed apps, by the names of their files: Django's loader would import each."""
    found = set()
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "migrations"):
            folder = import_module(f"{app.name}.migrations").__path__
            found |= {(app.label, file.name) for file in iter_modules(folder) if file.name[0] not in "_~"}
    return frozenset(found)


def _named(migrations: list[Migration]) -> str:
    """Some migrations in words."""
    names = ", ".join(map(".".join, migrations[:MAX_NAMED]))
    more = f" and {len(migrations) - MAX_NAMED} more" if len(migrations) > MAX_NAMED else ""
    return f"the migration{'s'[: len(migrations) > 1]} {names}{more}"

"""Migration operations that are not generated from models."""

from django.db.migrations.loader import MigrationLoader

from indexer.store.tables import tables
from indexer.timescale.operations import Columnstore


def test_each_history_table_gets_its_columnstore_in_a_migration() -> None:
    migrations = MigrationLoader(None).disk_migrations.values()
    given = {one.table for migration in migrations for one in migration.operations if isinstance(one, Columnstore)}
    assert given == {table.name for table in tables().values()}, "add Columnstore(table): its chunks are compressed"

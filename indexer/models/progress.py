"""How far the indexer has come: plain tables, kept small."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from indexer.models.fields import HashField, seconds


class BlockHeader(models.Model):
    """A recent header of the canonical chain, for finding the common ancestor of a reorg."""

    number = models.BigIntegerField(primary_key=True)
    hash = HashField()
    parent_hash = HashField()
    timestamp = seconds()

    class Meta:
        db_table = "blocks"
        ordering: ClassVar = ["-number"]

    def __str__(self) -> str:
        return f"block {self.number}"


class Checkpoint(models.Model):
    """The last applied block of a chain: one row per database.

    `chain_head` is the node's last block as the indexer knew it then; `revision` rises with every commit, also with
    those that go back; `indexed_at` is our clock.
    """

    chain_id = models.BigIntegerField(primary_key=True)
    start_block = models.BigIntegerField()
    contracts = models.JSONField()
    block_number = models.BigIntegerField()
    block_hash = HashField()
    block_time = models.DateTimeField()
    timestamp = seconds()
    indexed_at = models.DateTimeField()
    chain_head = models.BigIntegerField(default=0)
    revision = models.BigIntegerField(default=0)

    class Meta:
        db_table = "checkpoints"

    def __str__(self) -> str:
        return f"chain {self.chain_id} at block {self.block_number}"


class OutboxCursor(models.Model):
    """How far a consumer of the outbox has published."""

    consumer = models.CharField(primary_key=True, max_length=64)
    event_id = models.BigIntegerField()
    reorg_id = models.BigIntegerField(default=0)

    class Meta:
        db_table = "outbox_cursors"

    def __str__(self) -> str:
        return self.consumer


class Reorg(models.Model):
    """A reorg: which blocks were dropped, what the node had in their place, and what it took to undo them.

    Hashes stand oldest first; of the new ones as many as were asked for.
    """

    id = models.BigAutoField(primary_key=True)
    detected_at = models.DateTimeField(auto_now_add=True)
    ancestor_number = models.BigIntegerField()
    ancestor_hash = HashField()
    dropped_head = models.BigIntegerField()
    dropped_hashes = ArrayField(HashField())
    new_hashes = ArrayField(HashField())
    depth = models.IntegerField()
    rows_undone = models.BigIntegerField()
    duration_ms = models.IntegerField()

    class Meta:
        db_table = "reorgs"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"reorg of {self.depth} blocks to {self.ancestor_number}"

"""The indexer's progress: recent headers, the checkpoint, published events, reorgs. Plain, small tables."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from indexer.models.fields import HashField, seconds


class BlockHeader(models.Model):
    """A recent header of the canonical chain, by which the common ancestor of a reorg is found."""

    number = models.BigIntegerField(primary_key=True)
    hash = HashField()
    timestamp = seconds()

    class Meta:
        db_table = "blocks"
        ordering: ClassVar = ["-number"]

    def __str__(self) -> str:
        return f"block {self.number}"


class Checkpoint(models.Model):
    """The last applied block of a chain, and what is indexed: one row per database.

    `chain_head` is the node's head when the block was written. `revision` rises with every commit, rollbacks included.
    `fence` rises each time a process takes the right to write (indexer/store/claim.py). `timestamp` is the block's time
    in unix seconds, exact at any size; `indexed_at` is the time of the commit by the database's clock. `checked_block`
    is the last block after which the tables were compared with the contracts' state, where it is below the last applied
    one; else it is null, or that of blocks which a rollback has dropped.
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
    fence = models.BigIntegerField(default=0)
    checked_block = models.BigIntegerField(null=True)

    class Meta:
        db_table = "checkpoints"

    def __str__(self) -> str:
        return f"chain {self.chain_id} at block {self.block_number}"


class Heartbeat(models.Model):
    """When the indexer was last at work, by the database's clock, and the height of the node's head then: written every
    few seconds, also while nothing is indexed. One row per database."""

    chain_id = models.BigIntegerField(primary_key=True)
    seen_at = models.DateTimeField()
    chain_head = models.BigIntegerField()

    class Meta:
        db_table = "heartbeats"

    def __str__(self) -> str:
        return f"chain {self.chain_id} at {self.seen_at}"


class OutboxCursor(models.Model):
    """The last event and reorg that a relay has published."""

    RELAY = "relay"
    """The `consumer` of the relay's cursor."""

    consumer = models.CharField(primary_key=True, max_length=64)
    event_id = models.BigIntegerField()
    reorg_id = models.BigIntegerField(default=0)

    class Meta:
        db_table = "outbox_cursors"

    def __str__(self) -> str:
        return self.consumer


class Reorg(models.Model):
    """A reorg that was undone: the dropped blocks, the node's blocks in their place, and the work it took.

    Hashes oldest first; of the new ones as many as were fetched. `depth` in blocks, `duration_ms` of the rollback.
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

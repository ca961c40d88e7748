"""Base classes of the tables that hold the chain: their ids, times and transactions."""

from typing import ClassVar

from django.db import models
from timescale.db.models.fields import TimescaleDateTimeField

from indexer.domain.units import block_of
from indexer.models.fields import HashField


class PlacedRow(models.Model):
    """A row whose `id` increases in chain order: the block number, and the row's number in that block."""

    id = models.BigIntegerField(primary_key=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["-id"]

    @property
    def block_number(self) -> int:
        return block_of(self.id)


class ChainRow(PlacedRow):
    """A row of history, in a hypertable that `block_time` partitions.

    For rows that come with every log or block: at 75,000 logs a day a week is some 500,000 rows, whose indexes fit in
    the memory of a small server.
    """

    block_time = TimescaleDateTimeField(interval="7 days")

    class Meta(PlacedRow.Meta):
        abstract = True


class RareRow(ChainRow):
    """A row of history of which there are at most some thousands a day: fewer, longer chunks, quick to read in full."""

    block_time = TimescaleDateTimeField(interval="28 days")

    class Meta(ChainRow.Meta):
        abstract = True


class CurrentRow(PlacedRow):
    """The newest version of a key, `id` included; there is one row per key."""

    block_time = models.DateTimeField()

    class Meta(PlacedRow.Meta):
        abstract = True


class TransactionColumn(models.Model):
    """The transaction of a row; its id is an event's, or the row's number in the block."""

    tx_hash = HashField()

    class Meta:
        abstract = True


class EventColumns(TransactionColumn):
    """The event that a row comes from, and its transaction."""

    event_id = models.BigIntegerField()

    class Meta:
        abstract = True

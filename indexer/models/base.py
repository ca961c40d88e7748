"""What all tables of the chain have in common."""

from typing import ClassVar

from django.db import models
from timescale.db.models.fields import TimescaleDateTimeField

from indexer.domain.units import block_of
from indexer.models.fields import HashField


class PlacedRow(models.Model):
    """A row with a place in the chain: `id` increases in chain order."""

    id = models.BigIntegerField(primary_key=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["-id"]

    @property
    def block_number(self) -> int:
        return block_of(self.id)


class ChainRow(PlacedRow):
    """A row of the chain's history; `block_time` partitions the hypertable.

    For what comes with every log or block: at 75,000 logs a day a week is some 500,000 rows, whose indexes fit in the
    memory of a small server.
    """

    block_time = TimescaleDateTimeField(interval="7 days")

    class Meta(PlacedRow.Meta):
        abstract = True


class RareRow(ChainRow):
    """A row of which there are at most some thousands a day: few chunks, so that a look at all of them is quick."""

    block_time = TimescaleDateTimeField(interval="28 days")

    class Meta(ChainRow.Meta):
        abstract = True


class CurrentRow(PlacedRow):
    """How something stands now: a copy of its newest version, `id` included, unique by what names it."""

    block_time = models.DateTimeField()

    class Meta(PlacedRow.Meta):
        abstract = True


class TransactionColumn(models.Model):
    """The transaction of a row whose id is the event's."""

    tx_hash = HashField()

    class Meta:
        abstract = True


class EventColumns(TransactionColumn):
    """The event, and its transaction, that made a row."""

    event_id = models.BigIntegerField()

    class Meta:
        abstract = True

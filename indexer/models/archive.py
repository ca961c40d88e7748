"""The archive of the chain, as far as the rules read it: blocks, logs, calldata, and nodes' answers."""

from typing import ClassVar

from django.contrib.postgres.indexes import HashIndex
from django.db import models

from indexer.domain.units import log_index_of
from indexer.models.base import ChainRow, RareRow, TransactionColumn
from indexer.models.fields import AddressField, HashField, HexField, seconds


class ChainBlock(ChainRow):
    """A block with a log or transaction of the contracts; its hash and exact time (unix seconds) are kept for ever."""

    hash = HashField()
    timestamp = seconds()

    class Meta(ChainRow.Meta):
        db_table = "chain_blocks"

    def __str__(self) -> str:
        return f"block {self.block_number}"


class ChainEvent(ChainRow, TransactionColumn):
    """A decoded log with its arguments: what the stream publishes, and what a rebuild applies again."""

    tx_index = models.IntegerField()
    contract = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    args = models.JSONField()

    class Meta(ChainRow.Meta):
        db_table = "chain_events"
        indexes: ClassVar = [HashIndex(fields=["tx_hash"], name="chain_events_by_tx")]

    def __str__(self) -> str:
        return f"{self.contract}.{self.name} in block {self.block_number}"

    @property
    def log_index(self) -> int:
        return log_index_of(self.id)


class ChainTransaction(RareRow, TransactionColumn):
    """A transaction whose calldata the rules read."""

    sender = AddressField()
    recipient = AddressField(null=True)
    input = HexField()

    class Meta(RareRow.Meta):
        db_table = "chain_transactions"
        indexes: ClassVar = [HashIndex(fields=["tx_hash"], name="chain_transactions_by_tx")]

    def __str__(self) -> str:
        return f"{self.tx_hash} in block {self.block_number}"


class WitnessAnswer(RareRow):
    """A node's answer while a block was applied, about a fact that neither logs nor calldata show."""

    question = models.TextField()
    answer = models.JSONField()

    class Meta(RareRow.Meta):
        db_table = "witness_answers"

    def __str__(self) -> str:
        return f"{self.question} in block {self.block_number}"


class UndecodedLog(RareRow, TransactionColumn):
    """A log of one of our contracts that could not be decoded, as the node sent it, and the reason."""

    tx_index = models.IntegerField()
    address = AddressField()
    topics = models.JSONField()
    data = HexField()
    reason = models.TextField()

    class Meta(RareRow.Meta):
        db_table = "undecoded_logs"
        verbose_name = "undecoded log"

    def __str__(self) -> str:
        return f"{self.address} in block {self.block_number}: {self.reason}"

"""The chain itself, as far as the rules read it."""

from django.db import models

from indexer.models.base import ChainRow, RareRow, TransactionColumn
from indexer.models.fields import AddressField, HashField, HexField, seconds


class ChainBlock(ChainRow):
    """A block that holds something of ours: its exact time (unix seconds) and hash stay known for ever."""

    hash = HashField()
    parent_hash = HashField()
    timestamp = seconds()

    class Meta(ChainRow.Meta):
        db_table = "chain_blocks"

    def __str__(self) -> str:
        return f"block {self.block_number}"


class ChainEvent(ChainRow, TransactionColumn):
    """A decoded log: the archive, the outbox, and what a rebuild replays."""

    tx_index = models.IntegerField()
    contract = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    args = models.JSONField()

    class Meta(ChainRow.Meta):
        db_table = "chain_events"

    def __str__(self) -> str:
        return f"{self.contract}.{self.name} in block {self.block_number}"


class ChainTransaction(RareRow, TransactionColumn):
    """A transaction whose calldata the rules read."""

    sender = AddressField()
    recipient = AddressField(null=True)
    input = HexField()

    class Meta(RareRow.Meta):
        db_table = "chain_transactions"

    def __str__(self) -> str:
        return f"{self.tx_hash} in block {self.block_number}"


class WitnessAnswer(RareRow):
    """What a node told while a block was applied, about which the chain's logs and calldata say nothing."""

    question = models.TextField()
    answer = models.JSONField()

    class Meta(RareRow.Meta):
        db_table = "witness_answers"

    def __str__(self) -> str:
        return f"{self.question} in block {self.block_number}"


class UndecodedLog(RareRow, TransactionColumn):
    """A log of one of our contracts that is no known, well-formed event, and why."""

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

"""Transfers of the token, tolls, buybacks and vesting claims."""

from indexer.models.base import ChainRow, RareRow, TransactionColumn
from indexer.models.fields import AddressField, HashField, wei


class TokenTransfer(ChainRow, TransactionColumn):
    """A transfer of DATA, in wei; mints come from the zero address, burns go to it."""

    sender = AddressField()
    recipient = AddressField()
    amount = wei()

    class Meta(ChainRow.Meta):
        db_table = "token_transfers"

    def __str__(self) -> str:
        return f"{self.amount} wei from {self.sender} to {self.recipient}"


class Toll(RareRow, TransactionColumn):
    """A toll in wei of ETH; the collector is a contract, mostly not the player."""

    collector = AddressField()
    amount = wei()
    reason = HashField()

    class Meta(RareRow.Meta):
        db_table = "tolls"

    def __str__(self) -> str:
        return f"{self.amount} wei collected by {self.collector}"


class Buyback(RareRow, TransactionColumn):
    """A buyback: ETH spent, DATA received and burned, in wei."""

    eth_spent = wei()
    data_received = wei()
    data_burned = wei()

    class Meta(RareRow.Meta):
        db_table = "buybacks"

    def __str__(self) -> str:
        return f"{self.data_burned} wei burned"


class VestingClaim(RareRow, TransactionColumn):
    """Vested DATA that a beneficiary claimed, in wei."""

    beneficiary = AddressField()
    amount = wei()

    class Meta(RareRow.Meta):
        db_table = "vesting_claims"

    def __str__(self) -> str:
        return f"{self.amount} wei for {self.beneficiary}"

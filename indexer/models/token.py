"""The token, fees and vesting."""

from indexer.models.base import ChainRow, RareRow, TransactionColumn
from indexer.models.fields import AddressField, HashField, wei


class TokenTransfer(ChainRow, TransactionColumn):
    """A DATA transfer in wei."""

    sender = AddressField()
    recipient = AddressField()
    amount = wei()

    class Meta(ChainRow.Meta):
        db_table = "token_transfers"

    def __str__(self) -> str:
        return f"{self.amount} wei from {self.sender} to {self.recipient}"


class Toll(RareRow, TransactionColumn):
    """A toll in wei of ETH."""

    collector = AddressField()
    amount = wei()
    reason = HashField()

    class Meta(RareRow.Meta):
        db_table = "tolls"

    def __str__(self) -> str:
        return f"{self.amount} wei collected by {self.collector}"


class Buyback(RareRow, TransactionColumn):
    """A buyback, in wei."""

    eth_spent = wei()
    data_received = wei()
    data_burned = wei()

    class Meta(RareRow.Meta):
        db_table = "buybacks"

    def __str__(self) -> str:
        return f"{self.data_burned} wei burned"


class VestingClaim(RareRow, TransactionColumn):
    """Vested DATA claimed, in wei."""

    beneficiary = AddressField()
    amount = wei()

    class Meta(RareRow.Meta):
        db_table = "vesting_claims"

    def __str__(self) -> str:
        return f"{self.amount} wei for {self.beneficiary}"

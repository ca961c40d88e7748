"""Running totals: sums over all history, kept as plain rows that each batch and each rollback adjusts."""

from typing import ClassVar

from django.db import models

from indexer.models.fields import AddressField, wei


class AccountTotal(models.Model):
    """An account's DATA balance, the rewards it was paid, and the stakes it lost by dying, in wei.

    `entries` counts the rows of history that were summed up; at 0 the row is deleted. The zero address, from which
    tokens are minted, has a negative balance.
    """

    address = AddressField(primary_key=True)
    entries = models.BigIntegerField()
    balance = wei()
    earned = wei()
    lost = wei()
    deaths = models.IntegerField()

    class Meta:
        db_table = "account_totals"
        indexes: ClassVar = [
            models.Index(fields=["-earned", "address"], name="account_totals_by_earned"),
            models.Index(fields=["-lost", "address"], name="account_totals_by_lost"),
        ]

    def __str__(self) -> str:
        return str(self.address)

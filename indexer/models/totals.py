"""Running totals: sums over all history, kept as plain rows that grow and shrink with it."""

from typing import ClassVar

from django.db import models

from indexer.models.fields import AddressField, wei


class AccountTotal(models.Model):
    """What an account has had in all, in wei: its DATA balance, the rewards it was paid, the stakes it lost by dying.

    `entries` counts the rows of history behind it; without any there is no row. The balance of the zero address, where
    mints come from, is what it gave, as a debt.
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

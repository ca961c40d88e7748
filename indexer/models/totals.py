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


class GameTotal(models.Model):
    """The number (`entries`) and the summed amounts (wei) of all events of one kind since the start, by level; level 0
    if a kind has no levels. At 0 entries the row is deleted.

    `amount` sums stakes lost or culled, rewards emitted, tolls and what buybacks spent in ETH, the penalties of resets.
    `paid` is what a reset's winner was paid, or the DATA that a buyback bought.
    """

    class Kind(models.TextChoices):
        """What is summed up."""

        DEATH = "death"
        EMISSION = "emission"
        CULLING = "culling"
        SCAN = "scan"
        CASCADE = "cascade"
        ROUND = "round"
        RESET = "reset"
        TOLL = "toll"
        BUYBACK = "buyback"
        TAX = "tax"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    level = models.SmallIntegerField()
    entries = models.BigIntegerField()
    amount = wei()
    burned = wei()
    paid = wei()

    class Meta:
        db_table = "game_totals"
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "level"], name="game_totals_key")]

    def __str__(self) -> str:
        return f"{self.kind} on {self.level}" if self.level else self.kind

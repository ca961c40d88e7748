"""The players' ranks on the leaderboards at the end of a day."""

from typing import ClassVar

from django.db import models

from indexer.models.fields import AddressField


class DailyRank(models.Model):
    """A player's rank, from 1 on, on a leaderboard after the last block of a UTC day by the chain's time.

    Written once the day is finalized, and kept for two days. `finalized_block` is a block of a later day: while it is
    part of the chain, nothing of the day can change.
    """

    class Board(models.TextChoices):
        """The leaderboards that have a rank each day; earnings and losses are those of all time."""

        STREAK = "streak"
        SURVIVORS = "survivors"
        STAKED = "staked"
        EARNINGS = "earnings"
        LOSSES = "losses"

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    board = models.CharField(max_length=16, choices=Board.choices)
    address = AddressField()
    rank = models.IntegerField()
    finalized_block = models.BigIntegerField()

    class Meta:
        db_table = "daily_ranks"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["day", "board", "address"], name="daily_ranks_key")]
        indexes: ClassVar = [models.Index(fields=["finalized_block"], name="daily_ranks_by_block")]

    def __str__(self) -> str:
        return f"{self.address} {self.rank} by {self.board} on {self.day}"

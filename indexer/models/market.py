"""Betting rounds and bets: their versions in hypertables, and beside each its current row."""

from typing import ClassVar

from django.db import models

from indexer.domain.betting import RoundType, odds_bps, side_of
from indexer.models.base import CurrentRow, EventColumns, RareRow
from indexer.models.fields import AddressField, seconds, wei


class RoundColumns(EventColumns):
    """A betting round after a change; pools in wei, times in unix seconds."""

    round_id = wei()
    action = models.CharField(max_length=16)
    round_type = models.SmallIntegerField()
    target_level = models.SmallIntegerField()
    line = wei()
    deadline = seconds()
    over_pool = wei()
    under_pool = wei()
    resolve_time = seconds()
    resolved = models.BooleanField()
    outcome = models.BooleanField()
    burned = wei()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"round {self.round_id}"

    @property
    def type_name(self) -> str:
        """The round's type as the API names it: `death_count`, `whale_death`, …"""
        return RoundType(self.round_type).word

    @property
    def winning_side(self) -> str | None:
        """`over` or `under`; None until the round is resolved."""
        return side_of(self.outcome) if self.resolved else None

    @property
    def resolved_at(self) -> int | None:
        """The time of the resolution in unix seconds; None until then."""
        return int(self.resolve_time) if self.resolved else None

    @property
    def pot(self) -> int:
        return int(self.over_pool) + int(self.under_pool)

    @property
    def winning_pool(self) -> int:
        return int(self.over_pool if self.outcome else self.under_pool)

    @property
    def over_odds_bps(self) -> int:
        return odds_bps(self.pot, int(self.over_pool))

    @property
    def under_odds_bps(self) -> int:
        return odds_bps(self.pot, int(self.under_pool))


class Round(RareRow, RoundColumns):
    """A version of a round: one row per change, so the pools after each bet are the history of the odds."""

    class Meta(RareRow.Meta):
        db_table = "rounds"
        indexes: ClassVar = [models.Index(fields=["round_id", "-id"], name="rounds_by_round")]


class CurrentRound(CurrentRow, RoundColumns):
    """A round's latest state."""

    class Meta(CurrentRow.Meta):
        db_table = "current_rounds"
        constraints: ClassVar = [models.UniqueConstraint(fields=["round_id"], name="current_rounds_key")]


class BetColumns(EventColumns):
    """A user's bet in a round after a change; amounts in wei."""

    round_id = wei()
    round_type = models.SmallIntegerField()
    address = AddressField()
    action = models.CharField(max_length=16)
    amount_change = wei()
    amount = wei()
    is_over = models.BooleanField()
    claimed = models.BooleanField()
    payout = wei()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"bet of {self.address} in round {self.round_id}"

    @property
    def side(self) -> str:
        """`over` or `under`."""
        return side_of(self.is_over)


class Bet(RareRow, BetColumns):
    """A version of a bet: one row when it is placed, increased or claimed."""

    class Meta(RareRow.Meta):
        db_table = "bets"
        indexes: ClassVar = [models.Index(fields=["round_id", "address", "-id"], name="bets_by_round_and_address")]


class CurrentBet(CurrentRow, BetColumns):
    """A user's latest bet in a round."""

    class Meta(CurrentRow.Meta):
        db_table = "current_bets"
        constraints: ClassVar = [models.UniqueConstraint(fields=["round_id", "address"], name="current_bets_key")]

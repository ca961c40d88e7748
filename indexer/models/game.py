"""Positions, levels, scans and the protocol: their versions in hypertables, and beside each its current row."""

from typing import ClassVar, Self

from django.contrib.postgres.indexes import HashIndex
from django.db import models

from indexer.models.base import ChainRow, CurrentRow, EventColumns, RareRow, TransactionColumn
from indexer.models.fields import AddressField, HashField, seconds, wei


class PositionColumns(models.Model):
    """A whole position after a change, the action that changed it, and the action's amounts.

    Amounts in wei, times in unix seconds. `penalty` is what a reset or a culling took, `rewards` what was paid beside
    the stake.
    """

    event_id = models.BigIntegerField(null=True)
    tx_hash = HashField()
    address = AddressField()
    action = models.CharField(max_length=24)
    amount_change = wei()
    penalty = wei()
    rewards = wei()
    amount = wei()
    level = models.SmallIntegerField()
    status = models.CharField(max_length=16)
    entry_time = seconds()
    last_add_time = seconds()
    reward_debt = wei()
    epoch = wei()
    streak_base = models.IntegerField()
    on_roster = models.BooleanField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.address} {self.status} on level {self.level}"


class Position(ChainRow, PositionColumns):
    """A version of a position: one row per change."""

    class Meta(ChainRow.Meta):
        db_table = "positions"
        indexes: ClassVar = [
            models.Index(fields=["address", "-id"], name="positions_by_address"),
            HashIndex(fields=["tx_hash"], name="positions_without_event", condition=models.Q(event_id=None)),
        ]


class CurrentPosition(CurrentRow, PositionColumns):
    """A player's latest position, extracted ones included."""

    class Meta(CurrentRow.Meta):
        db_table = "current_positions"
        constraints: ClassVar = [models.UniqueConstraint(fields=["address"], name="current_positions_key")]


class LevelStateColumns(models.Model):
    """A level at the end of a block: stakes in wei, rates in basis points, times in seconds."""

    level = models.SmallIntegerField()
    total_staked = wei()
    alive_count = models.IntegerField()
    acc_rewards_per_share = wei()
    next_scan_time = seconds()
    survived_scans = models.IntegerField()
    roster_order_known = models.BooleanField()
    base_death_rate_bps = models.IntegerField()
    scan_interval = models.BigIntegerField()
    min_stake = wei()
    max_positions = models.BigIntegerField()
    culling_bottom_bps = models.IntegerField()
    culling_penalty_bps = models.IntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"level {self.level}"


class LevelState(ChainRow, LevelStateColumns):
    """A version of a level: one row per block in which it changed."""

    class Meta(ChainRow.Meta):
        db_table = "level_states"
        indexes: ClassVar = [models.Index(fields=["level", "-id"], name="level_states_by_level")]


class CurrentLevel(CurrentRow, LevelStateColumns):
    """A level's latest state."""

    class Meta(CurrentRow.Meta):
        db_table = "current_levels"
        constraints: ClassVar = [models.UniqueConstraint(fields=["level"], name="current_levels_key")]


class LevelSlotColumns(models.Model):
    """A slot of a level's array of users and the user in it, null beyond the array's end (rule 6)."""

    level = models.SmallIntegerField()
    slot = models.IntegerField()
    address = AddressField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"slot {self.slot} of level {self.level}"


class LevelSlot(ChainRow, LevelSlotColumns):
    """A version of a slot: one row per change."""

    class Meta(ChainRow.Meta):
        db_table = "level_slots"
        indexes: ClassVar = [models.Index(fields=["level", "slot", "-id"], name="level_slots_by_slot")]


class CurrentLevelSlot(CurrentRow, LevelSlotColumns):
    """A slot's latest user."""

    class Meta(CurrentRow.Meta):
        db_table = "current_level_slots"
        constraints: ClassVar = [models.UniqueConstraint(fields=["level", "slot"], name="current_level_slots_key")]


class ProtocolStateColumns(models.Model):
    """The protocol's totals, pause and reset timer at the end of a block; amounts in wei, times in unix seconds."""

    key = models.SmallIntegerField()
    total_value_locked = wei()
    total_supply = wei()
    paused = models.BooleanField()
    reset_deadline = seconds()
    reset_last_depositor = AddressField()
    reset_last_deposit_time = seconds()
    reset_epoch = wei()
    reset_penalty_bps = models.IntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return "protocol"


class ProtocolState(ChainRow, ProtocolStateColumns):
    """A version of the protocol's state: one row per block in which it changed."""

    class Meta(ChainRow.Meta):
        db_table = "protocol_states"


class CurrentProtocol(CurrentRow, ProtocolStateColumns):
    """The protocol's latest state: one row."""

    class Meta(CurrentRow.Meta):
        db_table = "current_protocol"
        constraints: ClassVar = [models.UniqueConstraint(fields=["key"], name="current_protocol_key")]


class Boost(RareRow, TransactionColumn):
    """A boost that was applied; `expiry` in unix seconds, up to 2⁶⁴−1."""

    address = AddressField()
    boost_type = models.SmallIntegerField()
    value_bps = models.IntegerField()
    expiry = seconds()

    class Meta(RareRow.Meta):
        db_table = "boosts"
        indexes: ClassVar = [models.Index(fields=["address", "expiry"], name="boosts_by_address")]

    def __str__(self) -> str:
        return f"boost of {self.address}"


class Culling(RareRow, TransactionColumn):
    """A culling (rule 7): amounts in wei, and the victim's streak."""

    level = models.SmallIntegerField()
    victim = AddressField()
    new_entrant = AddressField()
    amount = wei()
    penalty_amount = wei()
    returned_amount = wei()
    burned = wei()
    streak = models.IntegerField()

    class Meta(RareRow.Meta):
        db_table = "cullings"

    def __str__(self) -> str:
        return f"{self.victim} culled on level {self.level}"


class SystemReset(RareRow, TransactionColumn):
    """A system reset; amounts in wei, `winner` null if nobody was paid (rule 10)."""

    epoch = wei()
    total_penalty = wei()
    jackpot_amount = wei()
    winner = AddressField(null=True)
    paid_amount = wei()
    burned = wei()

    class Meta(RareRow.Meta):
        db_table = "system_resets"

    def __str__(self) -> str:
        return f"reset {self.epoch}"


class Emission(RareRow, TransactionColumn):
    """Emissions for a level, in wei; not credited if nobody had stake there (rule 18)."""

    level = models.SmallIntegerField()
    amount = wei()
    credited = models.BooleanField()

    class Meta(RareRow.Meta):
        db_table = "emissions"

    def __str__(self) -> str:
        return f"{self.amount} wei for level {self.level}"


class Death(RareRow, EventColumns):
    """A player who died in a scan: stake in wei, the streak at death, and the source that named the player."""

    scan_id = wei()
    level = models.SmallIntegerField()
    address = AddressField()
    amount = wei()
    streak = models.IntegerField()
    evidence = models.CharField(max_length=16)

    class Meta(RareRow.Meta):
        db_table = "deaths"
        indexes: ClassVar = [
            models.Index(fields=["address", "-id"], name="deaths_by_address"),
            models.Index(fields=["scan_id", "id"], name="deaths_by_scan"),
        ]

    def __str__(self) -> str:
        return f"{self.address} died in scan {self.scan_id}"


class ScanColumns(EventColumns):
    """A scan after one of its steps; times in unix seconds, amounts in wei."""

    scan_id = wei()
    step = models.CharField(max_length=24)
    level = models.SmallIntegerField()
    seed = wei()
    executed_at = seconds()
    finalized_at = seconds(null=True)
    batches = models.IntegerField()
    death_count = models.IntegerField()
    total_dead = wei()
    survivor_count = models.IntegerField(null=True)
    same_level_amount = wei(null=True)
    upstream_amount = wei(null=True)
    burn_amount = wei(null=True)
    protocol_amount = wei(null=True)
    burned = wei(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"scan {self.scan_id} of level {self.level}"

    @property
    def cascade(self) -> Self | None:
        """The scan itself, for its amounts of the cascade; None until it is finalized, and if nobody died."""
        return None if self.same_level_amount is None else self


class Scan(RareRow, ScanColumns):
    """A version of a scan: one row per step."""

    class Meta(RareRow.Meta):
        db_table = "scans"
        indexes: ClassVar = [models.Index(fields=["scan_id", "-id"], name="scans_by_scan")]


class CurrentScan(CurrentRow, ScanColumns):
    """A scan after its latest step."""

    class Meta(CurrentRow.Meta):
        db_table = "current_scans"
        constraints: ClassVar = [models.UniqueConstraint(fields=["scan_id"], name="current_scans_key")]

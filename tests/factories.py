"""Factories of table rows, for tests of queries: cases that no recorded chain has.

A factory fills in the columns that do not matter for a test. A row of a history table gets the next id of BLOCK.
"""

from datetime import UTC, datetime
from functools import partial

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence
from factory.django import DjangoModelFactory

from indexer import models
from indexer.domain.levels import INITIAL_CONFIGS, LevelId
from indexer.domain.positions import Action, Status
from indexer.domain.units import DATA, ZERO_ADDRESS, first_id
from indexer.store.alarms import AlarmKind
from tests.chains import ADDRESSES, START, user
from tests.passwords import hash_quickly

BLOCK = 100
"""The default block of rows; its time is BLOCK seconds after START."""
BLOCK_TIME = datetime.fromtimestamp(START + BLOCK, UTC)

PASSWORD = "correct horse battery staple"
hash_quickly()


def now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(UTC)


class CheckpointFactory(DjangoModelFactory[models.Checkpoint]):
    """A chain that is indexed up to BLOCK."""

    class Meta:
        model = models.Checkpoint

    chain_id = 6343
    start_block = 0
    contracts = ADDRESSES
    block_number = BLOCK
    block_hash = LazyAttribute(lambda row: f"0x{row.block_number:064x}")
    timestamp = LazyAttribute(lambda row: START + row.block_number)
    block_time = LazyAttribute(lambda row: datetime.fromtimestamp(row.timestamp, UTC))
    indexed_at = LazyFunction(now)
    chain_head = SelfAttribute("block_number")


class HeartbeatFactory(DjangoModelFactory[models.Heartbeat]):
    """An indexer that is at work, at a node whose head is BLOCK."""

    class Meta:
        model = models.Heartbeat

    chain_id = 6343
    seen_at = LazyFunction(now)
    chain_head = BLOCK


class CurrentProtocolFactory(DjangoModelFactory[models.CurrentProtocol]):
    """The protocol before its first reset."""

    class Meta:
        model = models.CurrentProtocol

    id = Sequence(lambda number: first_id(BLOCK) + number)
    block_time = BLOCK_TIME
    key = 0
    total_value_locked = 0
    total_supply = 10**9 * DATA
    paused = False
    reset_deadline = START + 86_400
    reset_last_depositor = ZERO_ADDRESS
    reset_last_deposit_time = 0
    reset_epoch = 1
    reset_penalty_bps = 2_500


class CurrentLevelFactory(DjangoModelFactory[models.CurrentLevel]):
    """A level as it is deployed, before its first scan."""

    class Meta:
        model = models.CurrentLevel

    class Params:
        config = LazyAttribute(lambda row: INITIAL_CONFIGS[row.level])

    id = Sequence(lambda number: first_id(BLOCK) + number)
    block_time = BLOCK_TIME
    level = LevelId.VAULT
    total_staked = 0
    alive_count = 0
    acc_rewards_per_share = 0
    next_scan_time = START + 14_400
    survived_scans = 0
    roster_order_known = True
    base_death_rate_bps = SelfAttribute("config.base_death_rate_bps")
    scan_interval = SelfAttribute("config.scan_interval")
    min_stake = SelfAttribute("config.min_stake")
    max_positions = SelfAttribute("config.max_positions")
    culling_bottom_bps = SelfAttribute("config.culling_bottom_bps")
    culling_penalty_bps = SelfAttribute("config.culling_penalty_bps")


class CurrentPositionFactory(DjangoModelFactory[models.CurrentPosition]):
    """Another player, who entered VAULT at START."""

    class Meta:
        model = models.CurrentPosition

    id = Sequence(lambda number: first_id(BLOCK) + number)
    block_time = BLOCK_TIME
    event_id = SelfAttribute("id")
    tx_hash = LazyAttribute(lambda row: f"0x{row.id:064x}")
    address = Sequence(lambda number: user(number + 1))
    action = Action.JACKED_IN
    amount_change = SelfAttribute("amount")
    penalty = 0
    rewards = 0
    amount = 100 * DATA
    level = LevelId.VAULT
    status = Status.ALIVE
    entry_time = START
    last_add_time = SelfAttribute("entry_time")
    reward_debt = 0
    epoch = 1
    streak_base = 0
    on_roster = True


class CurrentLevelSlotFactory(DjangoModelFactory[models.CurrentLevelSlot]):
    """A slot of VAULT's array of users."""

    class Meta:
        model = models.CurrentLevelSlot

    id = Sequence(lambda number: first_id(BLOCK) + number)
    block_time = BLOCK_TIME
    level = LevelId.VAULT
    slot = Sequence(lambda number: number)
    address = Sequence(lambda number: user(number + 1))


class UserFactory(DjangoModelFactory[User]):
    """Somebody who may do everything in the admin, with PASSWORD."""

    class Meta:
        model = User

    username = "root"
    password = LazyFunction(partial(make_password, PASSWORD))
    is_staff = True
    is_superuser = True


class AlarmFactory(DjangoModelFactory[models.Alarm]):
    """The indexer halted."""

    class Meta:
        model = models.Alarm

    kind = AlarmKind.HALTED
    message = "something is wrong"
    raised_at = LazyFunction(now)


class AuditFactory(DjangoModelFactory[models.Audit]):
    """An audit that found no difference."""

    class Meta:
        model = models.Audit

    finished_at = LazyFunction(now)
    block_number = Sequence(lambda number: number + 1)
    views_checked = 1
    differences = 0
    duration_ms = 1


class OperatorRequestFactory(DjangoModelFactory[models.OperatorRequest]):
    """A pause that waits to be carried out."""

    class Meta:
        model = models.OperatorRequest

    kind = models.OperatorRequest.Kind.PAUSE
    argument = ""
    reason = "because"
    requested_by = "ops"


class OutboxCursorFactory(DjangoModelFactory[models.OutboxCursor]):
    """How far the relay has published: all of BLOCK."""

    class Meta:
        model = models.OutboxCursor

    consumer = "relay"
    event_id = first_id(BLOCK + 1) - 1

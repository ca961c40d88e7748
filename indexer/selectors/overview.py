"""Read queries for pages and the API."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F

from indexer.domain.levels import LevelId
from indexer.domain.units import DATA
from indexer.models import Alarm, ChainEvent, Checkpoint, CurrentLevel, CurrentProtocol, Reorg


@dataclass(frozen=True, slots=True)
class LevelSummary:
    """A level for display: stake in DATA, rate in percent."""

    name: str
    staked: str
    alive: int
    death_rate: str


@dataclass(frozen=True, slots=True)
class Overview:
    """How the game stands at the checkpoint; None before anything is indexed."""

    checkpoint: Checkpoint | None
    locked: str
    players: int
    reset_epoch: int
    levels: list[LevelSummary]
    events: list[ChainEvent]
    reorgs: list[Reorg]


def checkpoint() -> Checkpoint | None:
    """The last applied block; None before anything is indexed."""
    return Checkpoint.objects.filter(block_number__gte=F("start_block")).first()


def standing_alarms() -> list[Alarm]:
    """What keeps the data from being served as ready."""
    return list(Alarm.objects.order_by("raised_at"))


def overview(events: int = 30) -> Overview:
    """What the overview page shows, with the newest `events` events."""
    protocol = CurrentProtocol.objects.first()
    levels = CurrentLevel.objects.order_by("level")
    return Overview(
        checkpoint=Checkpoint.objects.first(),
        locked=in_data(protocol.total_value_locked if protocol else 0),
        players=sum(level.alive_count for level in levels),
        reset_epoch=int(protocol.reset_epoch) if protocol else 1,
        levels=[
            LevelSummary(
                LevelId(level.level).name,
                in_data(level.total_staked),
                level.alive_count,
                f"{level.base_death_rate_bps / 100:g} %",
            )
            for level in levels
        ],
        events=list(ChainEvent.objects.order_by("-id")[:events]),
        reorgs=list(Reorg.objects.order_by("-id")[:5]),
    )


def in_data(wei: Any) -> str:
    """Wei as DATA with two decimals, for people."""
    whole, rest = divmod(int(wei), DATA)
    return f"{whole:,}.{rest * 100 // DATA:02d}"

"""Leaderboards."""

from typing import Annotated, Generic, TypeVar

from pydantic import Field, computed_field

from api.schemas.base import Address, LevelNumber, Moment, Schema, Wei, name_of
from indexer.domain.levels import LevelName

PreviousRank = Annotated[
    int | None,
    Field(
        description=(
            "The place at the end of yesterday, in UTC by the chain's time; null for who had none, in a day's first"
            " minutes, until yesterday is finalized, and for a `period` other than `all`."
        ),
        examples=[3],
    ),
]


class Leader(Schema):
    """A player on a leaderboard."""

    rank: int = Field(description="The place, from 1 on.", examples=[1])
    address: Address
    level: LevelNumber | None = Field(description="The level of the player's position; null for none.", examples=[4])
    streak: int = Field(description="Scans survived in a row; 0 without a position.", examples=[17])
    previous_rank: PreviousRank

    @computed_field(description="The level's name; null for none.", examples=["DARKNET"])  # type: ignore[prop-decorator]
    @property
    def level_name(self) -> LevelName | None:
        return name_of(self.level)


class StreakLeader(Leader):
    """A living player by streak."""


class Survivor(Leader):
    """A living player by the time of entry."""

    alive_since: Moment = Field(description="When the position was opened.")


class Staker(Leader):
    """A living player by stake."""

    amount: Wei = Field(description="The stake, in wei.")


class Earner(Leader):
    """A player by rewards paid."""

    earnings: Wei = Field(description="Rewards paid, in wei.")


class Loser(Leader):
    """A player by stakes lost in scans."""

    total_lost: Wei = Field(description="Stakes lost by dying, in wei.")
    death_count: int = Field(description="How often the player died.", examples=[2])


Entry = TypeVar("Entry", bound=Leader)


class Standing(Schema, Generic[Entry]):
    """A player's place on a leaderboard."""

    rank: int = Field(description="The place, from 1 on.", examples=[12])
    previous_rank: PreviousRank
    percentile: float = Field(
        description="How many percent of the ranked players stand no higher: 100 for the first.", examples=[93.5]
    )
    entry: Entry = Field(description="The player's row.")


class StreakStanding(Standing[StreakLeader]):
    """A player's place by streak."""


class SurvivorStanding(Standing[Survivor]):
    """A player's place by the time of entry."""


class StakerStanding(Standing[Staker]):
    """A player's place by stake."""


class EarnerStanding(Standing[Earner]):
    """A player's place by rewards paid."""


class LoserStanding(Standing[Loser]):
    """A player's place by stakes lost."""


Own = TypeVar("Own", bound=Schema)


class Board(Schema, Generic[Entry, Own]):
    """A leaderboard."""

    items: list[Entry] = Field(description="The leaders, the first one first.")
    me: Own | None = Field(description="The player of `address`; null without it, or if not ranked.")
    total: int | None = Field(description="How many players are ranked; null without `address`.", examples=[170])


class StreakBoard(Board[StreakLeader, StreakStanding]):
    """The longest streaks."""


class SurvivorBoard(Board[Survivor, SurvivorStanding]):
    """The players who are alive for longest."""


class StakerBoard(Board[Staker, StakerStanding]):
    """The largest stakes."""


class EarnerBoard(Board[Earner, EarnerStanding]):
    """The highest earnings."""


class LoserBoard(Board[Loser, LoserStanding]):
    """The highest losses."""

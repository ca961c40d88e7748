"""Statistics and leaderboards."""

from pydantic import Field

from api.schemas.base import Address, Level, Moment, Schema, Wei


class Flow(Schema):
    """A number of events, and the sum of their amounts."""

    count: int = Field(examples=[12])
    amount: Wei


class Burns(Schema):
    """DATA burned since the start, in all and by source."""

    total: Wei
    tax: Wei
    deaths: Wei
    culling: Wei
    resets: Wei
    bets: Wei
    buybacks: Wei


class Buybacks(Schema):
    """All buybacks."""

    count: int = Field(examples=[3])
    eth_spent: Wei
    data_received: Wei
    data_burned: Wei


class Resets(Schema):
    """All system resets."""

    count: int = Field(examples=[1])
    total_penalty: Wei
    paid: Wei


class Stats(Schema):
    """The game as a whole since its start."""

    total_value_locked: Wei
    players: int = Field(examples=[74])
    deaths: Flow
    burned: Burns
    emissions: Flow
    tolls: Flow
    buybacks: Buybacks
    resets: Resets


class LevelDeaths(Schema):
    """Deaths on a level; streaks in scans."""

    level: Level
    count: int = Field(examples=[40])
    total_lost: Wei
    avg_streak: float = Field(examples=[1.5])
    longest_streak: int = Field(examples=[9])


class LevelStats(Schema):
    """A level now, and since the start."""

    level: Level
    total_staked: Wei
    players: int = Field(examples=[12])
    deaths: LevelDeaths
    scans: int = Field(examples=[31])
    burned: Wei
    culled: Flow
    emissions: Flow


class TvlPoint(Schema):
    """The value locked at the end of a bucket."""

    time: Moment
    tvl: Wei


class VolumePoint(Schema):
    """Token transfers and tax in a bucket."""

    time: Moment
    transfers: int = Field(examples=[310])
    amount: Wei
    tax_burned: Wei
    tax_collected: Wei


class StreakLeader(Schema):
    """A living player by streak."""

    rank: int = Field(examples=[1])
    address: Address
    streak: int = Field(examples=[17])
    level: Level


class Survivor(Schema):
    """A living player by the time of entry."""

    rank: int = Field(examples=[1])
    address: Address
    alive_since: Moment = Field(validation_alias="entry_time")
    level: Level


class Earner(Schema):
    """A player by rewards paid."""

    rank: int = Field(examples=[1])
    address: Address
    earnings: Wei


class Loser(Schema):
    """A player by stakes lost in scans."""

    rank: int = Field(examples=[1])
    address: Address
    total_lost: Wei
    death_count: int = Field(examples=[2])

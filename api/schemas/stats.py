"""Statistics and leaderboards."""

from pydantic import BaseModel, Field

from api.schemas.base import Address, LevelName, Moment, Wei


class Flow(BaseModel):
    """How many, and how much."""

    count: int = Field(examples=[12])
    amount: Wei


class Burns(BaseModel):
    """DATA burned since the start, in all and by source."""

    total: Wei
    tax: Wei
    deaths: Wei
    culling: Wei
    resets: Wei
    bets: Wei
    buybacks: Wei


class Buybacks(BaseModel):
    """All buybacks."""

    count: int = Field(examples=[3])
    eth_spent: Wei
    data_received: Wei
    data_burned: Wei


class Resets(BaseModel):
    """All system resets."""

    count: int = Field(examples=[1])
    total_penalty: Wei
    paid: Wei


class Stats(BaseModel):
    """The game as a whole since its start."""

    total_value_locked: Wei
    players: int = Field(examples=[74])
    deaths: Flow
    burned: Burns
    emissions: Flow
    tolls: Flow
    buybacks: Buybacks
    resets: Resets


class LevelDeaths(BaseModel):
    """Who died on a level; streaks in scans."""

    level: LevelName
    count: int = Field(examples=[40])
    total_lost: Wei
    avg_streak: float = Field(examples=[1.5])
    longest_streak: int = Field(examples=[9])


class LevelStats(BaseModel):
    """A level now, and since the start."""

    level: LevelName
    total_staked: Wei
    players: int = Field(examples=[12])
    deaths: LevelDeaths
    scans: int = Field(examples=[31])
    burned: Wei
    culled: Flow
    emissions: Flow


class TvlPoint(BaseModel):
    """The value locked at the end of a bucket."""

    time: Moment
    tvl: Wei


class VolumePoint(BaseModel):
    """What moved in a bucket."""

    time: Moment
    transfers: int = Field(examples=[310])
    amount: Wei
    tax_burned: Wei
    tax_collected: Wei


class StreakLeader(BaseModel):
    """A living player by streak."""

    rank: int = Field(examples=[1])
    address: Address
    streak: int = Field(examples=[17])
    level: LevelName


class Survivor(BaseModel):
    """A living player by the time of entry."""

    rank: int = Field(examples=[1])
    address: Address
    alive_since: Moment
    level: LevelName


class Earner(BaseModel):
    """A player by rewards paid."""

    rank: int = Field(examples=[1])
    address: Address
    earnings: Wei


class Loser(BaseModel):
    """A player by stakes lost in scans."""

    rank: int = Field(examples=[1])
    address: Address
    total_lost: Wei
    death_count: int = Field(examples=[2])

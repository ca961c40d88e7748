"""The network's vitals."""

from pydantic import Field

from api.schemas.base import Address, Moment, OnLevel, Schema, Wei
from api.schemas.stats import Flow


class LevelVitals(OnLevel):
    """A level as it stands, with its configuration."""

    total_staked: Wei = Field(description="All stakes, in wei.")
    players: int = Field(description="Players alive.", examples=[12])
    max_positions: int = Field(description="How many players it holds before it culls.", examples=[500])
    free_places: int = Field(description="How many more can enter before it culls.", examples=[488])
    death_rate_bps: int = Field(description="The chance to die in a scan, in basis points.", examples=[3500])
    scan_interval_seconds: int = Field(description="Seconds between scans.", examples=[3600])
    min_stake: Wei = Field(description="The smallest stake to enter with, in wei.")
    culling_bottom_bps: int = Field(
        description="The share of players who can be culled, in basis points.", examples=[5000]
    )
    culling_penalty_bps: int = Field(description="What a culling takes of the stake, in basis points.", examples=[8000])
    last_scan_id: int | None = Field(description="The last scan; null before the first.", examples=[12])
    last_scan_at: Moment = Field(description="When the last scan began; null before the first.")
    next_scan_at: Moment = Field(description="When the next scan may begin.")


class ResetVitals(Schema):
    """The timer of the system reset."""

    deadline: Moment = Field(description="When the reset strikes unless somebody deposits.")
    last_depositor: Address | None = Field(
        description="Who would win it; null if nobody has deposited since the last.",
        examples=["0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d"],
    )
    last_deposit_at: Moment = Field(description="When the last deposit was.")
    penalty_bps: int = Field(description="What the last reset took of each stake, in basis points.", examples=[2500])
    epoch: int = Field(description="1 before the first reset, one more after each.", examples=[2])


class LastHour(Schema):
    """What happened in the 3,600 seconds up to the indexed block."""

    entries: Flow = Field(description="Players who entered, with their stakes.")
    additions: Flow = Field(description="Stakes added.")
    exits: Flow = Field(description="Players who left, with their stakes.")
    culled: Flow = Field(description="Players who were culled, with their stakes.")
    deaths: Flow = Field(description="Players who died in scans, with their stakes.")
    burned: Wei = Field(description="DATA burned, by all sources, in wei.")


class Network(Schema):
    """The game's vitals at the indexed block."""

    total_value_locked: Wei = Field(description="All stakes, in wei.")
    players: int = Field(description="Players alive.", examples=[74])
    players_high: int = Field(description="The most players that were ever alive at the end of a block.", examples=[91])
    paused: bool = Field(description="Whether GhostCore is paused.", examples=[False])
    levels: list[LevelVitals] = Field(description="The levels, the safest first.")
    reset: ResetVitals = Field(description="The system reset.")
    last_hour: LastHour = Field(description="The last hour's flows, to the second.")

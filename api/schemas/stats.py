"""Statistics."""

from pydantic import Field

from api.schemas.base import Moment, OnLevel, Schema, Wei


class Flow(Schema):
    """A number of events, and the sum of their amounts."""

    count: int = Field(description="How many.", examples=[12])
    amount: Wei = Field(description="Their amounts in all, in wei.")


class Burns(Schema):
    """DATA burned, in all and by source, in wei."""

    total: Wei = Field(description="By all sources.")
    tax: Wei = Field(description="By the tax on transfers.")
    deaths: Wei = Field(description="By the deaths of scans.")
    culling: Wei = Field(description="By cullings.")
    resets: Wei = Field(description="By system resets.")
    bets: Wei = Field(description="By the rake of betting rounds.")
    buybacks: Wei = Field(description="By buybacks.")


class Buybacks(Schema):
    """All buybacks."""

    count: int = Field(description="How many.", examples=[3])
    eth_spent: Wei = Field(description="What was spent, in wei of ETH.")
    data_received: Wei = Field(description="What was bought, in wei of DATA.")
    data_burned: Wei = Field(description="What was burned, in wei of DATA.")


class Resets(Schema):
    """All system resets."""

    count: int = Field(description="How many.", examples=[1])
    total_penalty: Wei = Field(description="The penalties, in wei.")
    paid: Wei = Field(description="What winners were paid, in wei.")


class Stats(Schema):
    """The game as a whole since its start."""

    total_value_locked: Wei = Field(description="All stakes now, in wei.")
    players: int = Field(description="Players alive now.", examples=[74])
    deaths: Flow = Field(description="Deaths in scans, with the stakes lost.")
    burned: Burns = Field(description="DATA burned.")
    emissions: Flow = Field(description="Rewards emitted.")
    tolls: Flow = Field(description="Tolls collected, in wei of ETH.")
    buybacks: Buybacks = Field(description="All buybacks.")
    resets: Resets = Field(description="All system resets.")


class LevelDeaths(OnLevel):
    """Deaths on a level."""

    count: int = Field(description="How many died.", examples=[40])
    total_lost: Wei = Field(description="The stakes lost, in wei.")
    avg_streak: float = Field(description="Scans that they had survived, on average.", examples=[1.5])
    longest_streak: int = Field(description="Most scans that one had survived.", examples=[9])


class LevelStats(OnLevel):
    """A level now, and since the start."""

    total_staked: Wei = Field(description="All stakes now, in wei.")
    players: int = Field(description="Players alive now.", examples=[12])
    deaths: LevelDeaths = Field(description="Deaths in scans.")
    scans: int = Field(description="How many scans were executed.", examples=[31])
    burned: Wei = Field(description="DATA burned by scans, in wei.")
    culled: Flow = Field(description="Cullings, with the victims' stakes.")
    emissions: Flow = Field(description="Rewards emitted.")


class TvlPoint(Schema):
    """The value locked at the end of a bucket."""

    time: Moment = Field(description="The bucket's start.")
    tvl: Wei = Field(description="All stakes at its end, in wei.")


class VolumePoint(Schema):
    """Token transfers and tax in a bucket."""

    time: Moment = Field(description="The bucket's start.")
    transfers: int = Field(description="How many transfers.", examples=[310])
    amount: Wei = Field(description="What they moved, in wei.")
    tax_burned: Wei = Field(description="The part of the tax that was burned, in wei.")
    tax_collected: Wei = Field(description="The part of the tax that went to the treasury, in wei.")


class FlowPoint(Schema):
    """What went in and out in a bucket; amounts in wei."""

    time: Moment = Field(description="The bucket's start.")
    entries: int = Field(description="How many players entered.", examples=[12])
    entered: Wei = Field(description="Their stakes.")
    additions: int = Field(description="How often stake was added.", examples=[5])
    added: Wei = Field(description="What was added.")
    exits: int = Field(description="How many players left with their stakes.", examples=[4])
    withdrawn: Wei = Field(description="Their stakes.")
    rewards: Wei = Field(description="Rewards paid, claimed or with an exit.")
    culled: int = Field(description="How many players were culled.", examples=[1])
    culled_amount: Wei = Field(description="Their stakes.")
    deaths: int = Field(description="How many players died in scans.", examples=[3])
    lost: Wei = Field(description="Their stakes.")


class BurnsPoint(Burns):
    """DATA burned in a bucket, in all and by source, in wei."""

    time: Moment = Field(description="The bucket's start.")


class BetsPoint(Schema):
    """Bets and claims in a bucket; amounts in wei."""

    time: Moment = Field(description="The bucket's start.")
    placed: int = Field(description="How often a bet was placed or increased.", examples=[14])
    staked: Wei = Field(description="What was bet.")
    claimed: int = Field(description="How often winnings were claimed.", examples=[6])
    payout: Wei = Field(description="What was claimed.")

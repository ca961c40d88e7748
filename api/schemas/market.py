"""DeadPool's rounds and bets."""

from typing import Annotated

from pydantic import AliasPath, BeforeValidator, Field, computed_field

from api.schemas.base import (
    Address,
    Block,
    Digits,
    LevelNumber,
    Moment,
    Page,
    Schema,
    TxHash,
    Wei,
    name_of,
)
from indexer.domain.betting import RoundTypeName, Side
from indexer.domain.levels import LevelName
from indexer.domain.units import BPS
from indexer.selectors.markets import BetStatus, RoundState

Factor = Annotated[float, BeforeValidator(lambda bps: bps / BPS)]
"""A number of basis points as a factor."""


class Round(Schema):
    """A betting round as it stands."""

    round_id: int = Field(description="The round's number.", examples=[7])
    type: RoundTypeName = Field(validation_alias="type_name", description="What it is about.", examples=["death_count"])
    target_level: Annotated[LevelNumber | None, BeforeValidator(lambda level: level or None)] = Field(
        description="The level that it is about; null for the whole network.", examples=[4]
    )
    line: Digits = Field(description="The number that is bet over or under, in the unit of the type.")
    deadline: Moment = Field(description="Until when it takes bets; null for ever.")
    over_pool: Wei = Field(description="The bets on over, in wei.")
    under_pool: Wei = Field(description="The bets on under, in wei.")
    state: RoundState = Field(
        description="`open` takes bets, `locked` waits for its outcome, `resolved` has one.", examples=["open"]
    )
    resolved: bool = Field(description="Whether it has an outcome.", examples=[False])
    outcome: Side | None = Field(
        validation_alias="winning_side", description="The side that won; null until then.", examples=["over"]
    )
    created_at: Moment = Field(description="When it was created.")
    resolved_at: Moment = Field(description="When it was resolved; null until then.")
    burned: Wei = Field(description="The rake that its resolution burned, in wei.")

    @computed_field(description="The target level's name; null for the whole network.", examples=["DARKNET"])  # type: ignore[prop-decorator]
    @property
    def target_level_name(self) -> LevelName | None:
        return name_of(self.target_level)


class Rounds(Page[Round]):
    """Some rounds."""


class Odds(Schema):
    """A side's payout per staked unit after the rake; 0 for an empty side."""

    over_odds: Factor = Field(validation_alias="over_odds_bps", description="Of over, as a factor.", examples=[1.8])
    under_odds: Factor = Field(validation_alias="under_odds_bps", description="Of under, as a factor.", examples=[2.01])
    over_odds_bps: int = Field(description="Of over, in basis points.", examples=[18000])
    under_odds_bps: int = Field(description="Of under, in basis points.", examples=[20100])
    over_pool: Wei = Field(description="The bets on over, in wei.")
    under_pool: Wei = Field(description="The bets on under, in wei.")


class OddsPoint(Odds):
    """The odds after a bet."""

    time: Moment = Field(validation_alias="block_time")
    block: Block = Field(validation_alias="block_number")


class OddsHistory(Page[OddsPoint]):
    """Some of a round's odds."""


class Bet(Schema):
    """A player's bet in a round as it stands."""

    round_id: int = Field(
        validation_alias=AliasPath("bet", "round_id"), description="The round's number.", examples=[7]
    )
    round_type: RoundTypeName = Field(
        validation_alias=AliasPath("round", "type_name"), description="The round's type.", examples=["death_count"]
    )
    address: Address = Field(validation_alias=AliasPath("bet", "address"))
    side: Side = Field(validation_alias=AliasPath("bet", "side"), description="What was bet.", examples=["over"])
    amount: Wei = Field(validation_alias=AliasPath("bet", "amount"), description="The whole bet, in wei.")
    status: BetStatus = Field(
        description="`open` until the round is resolved; then `lost`, or `won` until it is `claimed`.",
        examples=["open"],
    )
    claimed: bool = Field(
        validation_alias=AliasPath("bet", "claimed"), description="Whether winnings were claimed.", examples=[False]
    )
    claimable: Wei = Field(description="What can be claimed now, in wei.")
    payout: Wei = Field(validation_alias=AliasPath("bet", "payout"), description="What was claimed, in wei.")
    placed_at: Moment = Field(
        validation_alias=AliasPath("bet", "placed_at"), description="When it was placed first; it may have grown since."
    )
    block: Block = Field(validation_alias=AliasPath("bet", "block_number"), description="The block of its last change.")
    tx: TxHash = Field(validation_alias=AliasPath("bet", "tx_hash"), description="The transaction of its last change.")


class Bets(Page[Bet]):
    """Some bets."""


class BetTotals(Schema):
    """A player's bets, summed up; amounts in wei."""

    bets: int = Field(description="In how many rounds.", examples=[12])
    staked: Wei = Field(description="All stakes.")
    open: Wei = Field(description="The stakes in rounds without an outcome.")
    won: Wei = Field(description="What bets have won, claimed or not: payouts, the stakes included.")
    lost: Wei = Field(description="The stakes that were lost.")
    claimable: Wei = Field(description="What of `won` is not claimed yet.")


class TypeTotals(BetTotals):
    """A player's bets in rounds of a type."""

    type: RoundTypeName = Field(description="The rounds' type.", examples=["death_count"])


class BetSummary(BetTotals):
    """All bets of a player."""

    address: Address
    by_type: list[TypeTotals] = Field(description="The same for each type of round.")

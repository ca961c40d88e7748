"""DeadPool's rounds and bets."""

from typing import Annotated

from pydantic import AliasPath, BeforeValidator, Field

from api.schemas.base import Address, Moment, Page, Schema, TxHash, Wei
from indexer.domain.units import BPS

Factor = Annotated[float, BeforeValidator(lambda bps: bps / BPS)]
"""A number of basis points as a factor."""


class Round(Schema):
    """A betting round; `deadline` null for one that never ends, `outcome` null until it is resolved."""

    round_id: int = Field(examples=[7])
    type: str = Field(validation_alias="type_name", examples=["death_count"])
    target_level: int = Field(examples=[4])
    line: Wei
    deadline: Moment
    over_pool: Wei
    under_pool: Wei
    resolved: bool = Field(examples=[False])
    outcome: str | None = Field(validation_alias="winning_side", examples=["over"])
    resolved_at: Moment


class Rounds(Page):
    """Some rounds."""

    items: list[Round]


class Odds(Schema):
    """A side's payout per staked unit after the rake; 0 for an empty side."""

    over_odds: Factor = Field(validation_alias="over_odds_bps", examples=[1.8])
    under_odds: Factor = Field(validation_alias="under_odds_bps", examples=[2.01])
    over_odds_bps: int = Field(examples=[18000])
    under_odds_bps: int = Field(examples=[20100])
    over_pool: Wei
    under_pool: Wei


class OddsPoint(Odds):
    """The odds after a bet."""

    time: Moment = Field(validation_alias="block_time")
    block: int = Field(validation_alias="block_number", examples=[512])


class OddsHistory(Page):
    """Some of a round's odds."""

    items: list[OddsPoint]


class Bet(Schema):
    """A player's bet in a round; `claimable` is what can be claimed, `payout` what was."""

    round_id: int = Field(validation_alias=AliasPath("bet", "round_id"), examples=[7])
    address: Address = Field(validation_alias=AliasPath("bet", "address"))
    side: str = Field(validation_alias=AliasPath("bet", "side"), examples=["over"])
    amount: Wei = Field(validation_alias=AliasPath("bet", "amount"))
    claimed: bool = Field(validation_alias=AliasPath("bet", "claimed"), examples=[False])
    claimable: Wei
    payout: Wei = Field(validation_alias=AliasPath("bet", "payout"))
    block: int = Field(validation_alias=AliasPath("bet", "block_number"), examples=[512])
    tx: TxHash = Field(validation_alias=AliasPath("bet", "tx_hash"))


class Bets(Page):
    """Some bets."""

    items: list[Bet]

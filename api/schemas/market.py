"""DeadPool's rounds and bets."""

from pydantic import BaseModel, Field

from api.schemas.base import Address, Moment, Page, TxHash, Wei


class Round(BaseModel):
    """A betting round; `deadline` null for one that never ends, `outcome` null until it is resolved."""

    round_id: int = Field(examples=[7])
    type: str = Field(examples=["death_count"])
    target_level: int = Field(examples=[4])
    line: Wei
    deadline: Moment
    over_pool: Wei
    under_pool: Wei
    resolved: bool = Field(examples=[False])
    outcome: str | None = Field(examples=["over"])
    resolved_at: Moment


class Rounds(Page):
    """Some rounds."""

    items: list[Round]


class Odds(BaseModel):
    """What a side pays per staked unit after the rake; 0 for an empty side."""

    over_odds: float = Field(examples=[1.8])
    under_odds: float = Field(examples=[2.01])
    over_odds_bps: int = Field(examples=[18000])
    under_odds_bps: int = Field(examples=[20100])
    over_pool: Wei
    under_pool: Wei


class OddsPoint(Odds):
    """The odds after a bet."""

    time: Moment
    block: int = Field(examples=[512])


class OddsHistory(Page):
    """Some of a round's odds."""

    items: list[OddsPoint]


class Bet(BaseModel):
    """A player's bet in a round; `claimable` is what waits to be claimed, `payout` what was."""

    round_id: int = Field(examples=[7])
    address: Address
    side: str = Field(examples=["over"])
    amount: Wei
    claimed: bool = Field(examples=[False])
    claimable: Wei
    payout: Wei
    block: int = Field(examples=[512])
    tx: TxHash


class Bets(Page):
    """Some bets."""

    items: list[Bet]

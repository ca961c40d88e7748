"""What goes out: every answer's shape, with an example of each."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from eth_utils.address import to_checksum_address
from ninja import Schema
from pydantic import BeforeValidator, Field

from indexer.domain.levels import LevelId

LAST_SECOND: Final = 253_402_300_799
"""The last second of the year 9999: later times of the contracts go out as null."""

Wei = Annotated[str, BeforeValidator(str), Field(pattern=r"^-?\d+$", examples=["1500000000000000000"])]
"""An amount in wei as decimal digits: more than a JSON number holds."""

Address = Annotated[
    str,
    BeforeValidator(to_checksum_address),
    Field(pattern="^0x[0-9a-fA-F]{40}$", examples=["0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d"]),
]
"""An account, EIP-55 checksummed."""


def _moment(value: Any) -> Any:
    """Unix seconds as a time; None for what no calendar holds."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC) if value <= LAST_SECOND else None
    return value


Moment = Annotated[datetime | None, BeforeValidator(_moment), Field(examples=["2026-01-01T00:00:00Z"])]
"""Chain time, RFC 3339 in UTC."""


class LevelName(Schema):
    """A risk level."""

    id: int = Field(examples=[4])
    name: str = Field(examples=["DARKNET"])

    @classmethod
    def of(cls, level: int) -> "LevelName":
        """The level of a number."""
        return cls(id=level, name=LevelId(level).name)


class ProblemField(Schema):
    """What is wrong with one parameter."""

    parameter: str = Field(examples=["limit"])
    message: str = Field(examples=["Input should be less than or equal to 500"])


class Problem(Schema):
    """An error (RFC 9457); `errors` for bad input only."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["1 parameter can't be used"])
    errors: list[ProblemField] | None = None


class Flow(Schema):
    """How many, and how much."""

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
    """Who died on a level; streaks in scans."""

    level: LevelName
    count: int = Field(examples=[40])
    total_lost: Wei
    avg_streak: float = Field(examples=[1.5])
    longest_streak: int = Field(examples=[9])


class LevelStats(Schema):
    """A level now, and since the start."""

    level: LevelName
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
    """What moved in a bucket."""

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
    level: LevelName


class Survivor(Schema):
    """A living player by the time of entry."""

    rank: int = Field(examples=[1])
    address: Address
    alive_since: Moment
    level: LevelName


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


class Boost(Schema):
    """A boost in force; `expires_at` null for one without end."""

    type: str = Field(examples=["DEATH_REDUCTION"])
    value_bps: int = Field(examples=[500])
    expires_at: Moment


class Position(Schema):
    """A player's position; `effective_amount` is what a pending reset penalty leaves of `amount`."""

    address: Address
    level: LevelName
    status: str = Field(examples=["alive"])
    amount: Wei
    effective_amount: Wei
    pending_rewards: Wei
    ghost_streak: int = Field(examples=[3])
    effective_death_rate_bps: int = Field(examples=[3500])
    entered_at: Moment
    last_add_at: Moment
    next_scan_at: Moment
    boosts: list[Boost]
    changed_at: Moment


class PlayerPosition(Schema):
    """A player and the position, null if there is none."""

    address: Address
    position: Position | None


class Reorg(Schema):
    """The last reorg."""

    ancestor_block: int = Field(examples=[990])
    depth: int = Field(examples=[3])
    detected_at: Moment


class Status(Schema):
    """How far the indexer has come; `indexed_at` is the indexed block's time."""

    chain_id: int = Field(examples=[6343])
    start_block: int = Field(examples=[0])
    indexed_block: int = Field(examples=[1007])
    indexed_block_hash: str
    indexed_at: Moment
    last_reorg: Reorg | None
    contracts: dict[str, Address]


TxHash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", examples=["0x" + "ab" * 32])]


class Page(Schema):
    """A part of a list; `next_cursor` is null at its end."""

    items: list[Any]
    next_cursor: str | None = Field(examples=["WyJpZCIsIjE1MDAiXQ"])


class Cascade(Schema):
    """How the stakes of a scan's dead were split; `burned` is what really was."""

    same_level: Wei
    upstream: Wei
    burn: Wei
    protocol: Wei
    burned: Wei


class Scan(Schema):
    """A scan; `state` is executed, deaths_submitted or finalized."""

    scan_id: int = Field(examples=[12])
    level: LevelName
    state: str = Field(examples=["finalized"])
    seed: Wei
    executed_at: Moment
    finalized_at: Moment
    batches: int = Field(examples=[2])
    death_count: int = Field(examples=[4])
    total_dead: Wei
    survivor_count: int | None = Field(examples=[9])
    cascade: Cascade | None
    block: int = Field(examples=[512])
    tx: TxHash


class Scans(Page):
    """Some scans."""

    items: list[Scan]


class NextScan(Schema):
    """When a level may be scanned next."""

    level: LevelName
    next_scan_at: Moment
    seconds_remaining: int = Field(examples=[1200])


class Death(Schema):
    """A player who died, with the stake and the streak that it ended."""

    address: Address
    level: int = Field(examples=[4])
    scan_id: int = Field(examples=[12])
    amount: Wei
    streak: int = Field(examples=[3])
    time: Moment
    block: int = Field(examples=[512])
    tx: TxHash


class Deaths(Page):
    """Some deaths."""

    items: list[Death]


class Round(Schema):
    """A betting round; `deadline` null for one that never ends, `outcome` null until it is resolved."""

    round_id: int = Field(examples=[7])
    type: str = Field(examples=["death_count"])
    target_level: int = Field(examples=[4])
    line: Wei
    deadline: Moment
    over_pool: Wei
    under_pool: Wei
    resolved: bool
    outcome: str | None = Field(examples=["over"])
    resolved_at: Moment


class Rounds(Page):
    """Some rounds."""

    items: list[Round]


class Odds(Schema):
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


class Bet(Schema):
    """A player's bet in a round; `claimable` is what waits to be claimed, `payout` what was."""

    round_id: int = Field(examples=[7])
    address: Address
    side: str = Field(examples=["over"])
    amount: Wei
    claimed: bool
    claimable: Wei
    payout: Wei
    block: int = Field(examples=[512])
    tx: TxHash


class Bets(Page):
    """Some bets."""

    items: list[Bet]


class ListedPosition(Schema):
    """A position in a list."""

    address: Address
    level: int = Field(examples=[4])
    status: str = Field(examples=["alive"])
    amount: Wei
    effective_amount: Wei
    ghost_streak: int = Field(examples=[3])
    entered_at: Moment
    last_add_at: Moment
    changed_at: Moment


class Positions(Page):
    """Some positions; `total` where `offset` was given."""

    items: list[ListedPosition]
    total: int | None = None


class PositionChange(Schema):
    """A change of a position; `event_id` null where the chain has no event for it."""

    action: str = Field(examples=["stake_added"])
    amount_change: Wei
    penalty: Wei
    rewards: Wei
    new_total: Wei
    level: int = Field(examples=[4])
    status: str = Field(examples=["alive"])
    event_id: str | None = Field(examples=["4294967296"])
    time: Moment
    block: int = Field(examples=[512])
    tx: TxHash


class PositionHistory(Page):
    """Some of a position's changes; `total` where `offset` was given."""

    items: list[PositionChange]
    total: int | None = None

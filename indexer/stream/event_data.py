"""The `data` of each type of event: the definition from which the AsyncAPI document is made.

The data are made of stored rows (`indexer.stream.feed`); tests check that they match these definitions.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from indexer.domain import betting, levels, positions

Account = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$", description="An account, EIP-55 checksummed.")]
Wei = Annotated[str, Meta(pattern="^[0-9]+$", description="An amount in wei as decimal digits.")]
Digits = Annotated[str, Meta(pattern="^[0-9]+$", description="An integer of up to 256 bits as decimal digits.")]
Time = Annotated[str, Meta(pattern="^[0-9-]{10}T[0-9:]{8}Z$", description="RFC 3339, in UTC.")]
Level = Annotated[int, Meta(ge=1, le=5, description="The level, from 1, the safest.")]
LevelName = Annotated[levels.LevelName, Meta(description="The level's name.")]
RoundTypeName = Annotated[betting.RoundTypeName, Meta(description="What is bet on.")]
BoostName = Annotated[positions.BoostName, Meta(description="What the boost changes.")]
Side = Annotated[betting.Side, Meta(description="The side of a round's line.")]
BasisPoints = Annotated[int, Meta(ge=0, description="Hundredths of a percent.")]
ScanId = Annotated[int, Meta(ge=0, description="Scans are numbered from 1 over all levels.")]
RoundId = Annotated[int, Meta(ge=0, description="The round's number.")]
Epoch = Annotated[int, Meta(ge=0, description="The epoch that the reset began; they count from 1.")]
Players = Annotated[int, Meta(ge=0, description="A number of players.")]
Streak = Annotated[int, Meta(ge=0, description="Scans survived in a row.")]


class EventData(Struct, frozen=True, forbid_unknown_fields=True):
    """The base of the `data` of all events."""


class JackIn(EventData, frozen=True):
    """A player entered a level."""

    user: Account
    amount: Wei
    level: Level
    level_name: LevelName
    new_total: Wei


class StakeAdded(EventData, frozen=True):
    """A player added stake; `new_total` is what the position holds afterwards."""

    user: Account
    amount: Wei
    new_total: Wei


class Extracted(EventData, frozen=True):
    """A player left with the stake and the rewards."""

    user: Account
    amount: Wei
    rewards: Wei


class PositionCulled(EventData, frozen=True):
    """A player was removed from a full level for a new one."""

    victim: Account
    penalty_amount: Wei
    returned_amount: Wei
    new_entrant: Account


class RewardsClaimed(EventData, frozen=True):
    """A player was paid the pending rewards."""

    user: Account
    level: Level
    level_name: LevelName
    amount: Wei


class BoostApplied(EventData, frozen=True):
    """A player got a boost; `expiry` null for one without end."""

    user: Account
    boost_type: BoostName
    value_bps: BasisPoints
    expiry: Time | None


class Traced(EventData, frozen=True):
    """A player died in a scan, with the stake and the streak that this ended."""

    user: Account
    level: Level
    level_name: LevelName
    scan_id: ScanId
    amount: Wei
    ghost_streak: Streak


class ScanExecuted(EventData, frozen=True):
    """A scan began; the seed decides who is doomed."""

    level: Level
    level_name: LevelName
    scan_id: ScanId
    seed: Digits
    executed_at: Time | None


class DeathsProcessed(EventData, frozen=True):
    """A batch of deaths; `burned` and `distributed` are always 0."""

    level: Level
    level_name: LevelName
    death_count: Players
    total_dead: Wei
    burned: Wei
    distributed: Wei


class ScanFinalized(EventData, frozen=True):
    """A scan ended; `survivor_count` null where the contract reported none."""

    level: Level
    level_name: LevelName
    scan_id: ScanId
    death_count: Players
    total_dead: Wei
    survivor_count: Players | None
    finalized_at: Time | None


class Survived(EventData, frozen=True):
    """A watched player survived a scan, with the streak afterwards; sent to those who watch the player."""

    user: Account
    level: Level
    level_name: LevelName
    scan_id: ScanId
    ghost_streak: Streak


class Cascade(EventData, frozen=True):
    """How the stakes of a scan's dead were split, as reported."""

    source_level: Level
    source_level_name: LevelName
    same_level_amount: Wei
    upstream_amount: Wei
    burn_amount: Wei
    protocol_amount: Wei


class SystemReset(EventData, frozen=True):
    """A system reset: the penalty, the jackpot as announced, and who was paid how much; null and 0 if nobody was."""

    epoch: Epoch
    total_penalty: Wei
    jackpot_amount: Wei
    jackpot_winner: Account | None
    paid_amount: Wei
    burned: Wei


class Emissions(EventData, frozen=True):
    """Rewards for a level."""

    level: Level
    level_name: LevelName
    amount: Wei


class RoundCreated(EventData, frozen=True):
    """A betting round began; target level null for the whole network, `deadline` null for none."""

    round_id: RoundId
    round_type: RoundTypeName
    target_level: Level | None
    target_level_name: LevelName | None
    line: Digits
    deadline: Time | None


class BetPlaced(EventData, frozen=True):
    """A player bet, or added to a bet."""

    round_id: RoundId
    user: Account
    side: Side
    amount: Wei


class RoundResolved(EventData, frozen=True):
    """A round's outcome, the pot, and the rake of it that was burned."""

    round_id: RoundId
    outcome: Side
    total_pot: Wei
    burned: Wei


class WinningsClaimed(EventData, frozen=True):
    """A player was paid what a bet has won."""

    round_id: RoundId
    user: Account
    amount: Wei


class TokenTransfer(EventData, frozen=True, rename={"from_": "from"}):
    """DATA moved; a LARGE_TRANSFER is one of 1,000 DATA or more."""

    from_: Account
    to: Account
    value: Wei


class Tax(EventData, frozen=True, rename={"from_": "from"}):
    """The part of a transfer's tax that was burned, or collected by the treasury."""

    from_: Account
    amount: Wei
    part: Annotated[Literal["burned", "collected"], Meta(description="What became of it.")]


class Toll(EventData, frozen=True, rename={"from_": "from"}):
    """A toll in wei of ETH that a contract collected; the reason in words, or in hex where it is no text."""

    from_: Account
    amount: Wei
    reason: Annotated[str, Meta(description="What it was for.")]


class Buyback(EventData, frozen=True):
    """DATA bought back for ETH, and burned."""

    eth_spent: Wei
    data_received: Wei
    data_burned: Wei

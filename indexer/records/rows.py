"""One row class per table: the rules produce the rows, the store writes them.

The first column of each row is its id: an event id where a row stands for one event, else
`block_number << 23 | n` for the n-th row of its table in that block. Both increase in chain order and depend on the
chain alone. The field types say how a column is stored; the Django models of the same name (without `Row`) have
the same columns in the same order.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from indexer.domain.units import Address, BlockTime, Calldata, Hash, Json, Text, first_id

new_tuple = tuple.__new__
"""`new_tuple(Row, (…))` makes a row in half the time of `Row(…)`; used for rows that are made once per log."""


class ChainBlockRow(NamedTuple):
    """A block with a log or transaction of the contracts; n is 0. `timestamp` in unix seconds, exact at any size."""

    id: int
    block_time: BlockTime
    hash: Hash
    timestamp: int


class ChainEventRow(NamedTuple):
    """A decoded log, with its arguments as JSON: the archive of the chain, and the outbox of the stream."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    tx_index: int
    contract: str
    name: str
    args: Json


class ChainTransactionRow(NamedTuple):
    """A transaction whose calldata the rules read; the n of its id is the transaction index."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    sender: Address
    recipient: Address | None
    input: Calldata


class WitnessAnswerRow(NamedTuple):
    """A node's answer about a fact that neither logs nor calldata show, kept so that a rebuild needs no node."""

    id: int
    block_time: BlockTime
    question: Text
    answer: Json


class UndecodedLogRow(NamedTuple):
    """A log of one of our contracts that could not be decoded, as the node sent it, and the reason."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    tx_index: int
    address: Address
    topics: Json
    data: Calldata
    reason: Text


class PositionRow(NamedTuple):
    """A position after a change; amounts in wei, times in unix seconds.

    `amount_change` is the change of `amount`. `penalty` is what a settled system reset took of the stake, or a culling
    from what is returned; `rewards` is what was paid beside the stake. `event_id` is None for a settlement without log.
    """

    id: int
    block_time: BlockTime
    event_id: int | None
    tx_hash: Hash
    address: Address
    action: str
    amount_change: int
    penalty: int
    rewards: int
    amount: int
    level: int
    status: str
    entry_time: int
    last_add_time: int
    reward_debt: int
    epoch: int
    streak_base: int
    on_roster: bool


class LevelStateRow(NamedTuple):
    """A level at the end of a block in which it changed; amounts in wei, rates in basis points, times in seconds."""

    id: int
    block_time: BlockTime
    level: int
    total_staked: int
    alive_count: int
    acc_rewards_per_share: int
    next_scan_time: int
    survived_scans: int
    roster_order_known: bool
    base_death_rate_bps: int
    scan_interval: int
    min_stake: int
    max_positions: int
    culling_bottom_bps: int
    culling_penalty_bps: int


class LevelSlotRow(NamedTuple):
    """A slot of a level's array of users after a change; `address` is None where the array became shorter."""

    id: int
    block_time: BlockTime
    level: int
    slot: int
    address: Address | None


class ProtocolStateRow(NamedTuple):
    """The protocol's totals, pause and reset timer at the end of a block in which they changed.

    Amounts in wei, times in unix seconds, `reset_penalty_bps` in basis points.
    """

    id: int
    block_time: BlockTime
    key: int
    total_value_locked: int
    total_supply: int
    paused: bool
    reset_deadline: int
    reset_last_depositor: Address
    reset_last_deposit_time: int
    reset_epoch: int
    reset_penalty_bps: int


class ScanRow(NamedTuple):
    """A scan after one of its steps; amounts in wei, times in unix seconds.

    The amounts of the cascade are None until it is finalized, and if nobody died. `burned` is what really was: without
    stake upstream it includes the upstream amount, whatever the event reports (rule 17).
    """

    id: int
    block_time: BlockTime
    event_id: int
    tx_hash: Hash
    scan_id: int
    step: str
    level: int
    seed: int
    executed_at: int
    finalized_at: int | None
    batches: int
    death_count: int
    total_dead: int
    survivor_count: int | None
    same_level_amount: int | None
    upstream_amount: int | None
    burn_amount: int | None
    protocol_amount: int | None
    burned: int | None


class DeathRow(NamedTuple):
    """A player who died in a scan: the stake in wei, the streak at death, and the source that named the player."""

    id: int
    block_time: BlockTime
    event_id: int
    tx_hash: Hash
    scan_id: int
    level: int
    address: Address
    amount: int
    streak: int
    evidence: str


class RoundRow(NamedTuple):
    """A betting round after a change; pools and `burned` in wei, times in unix seconds."""

    id: int
    block_time: BlockTime
    event_id: int
    tx_hash: Hash
    round_id: int
    action: str
    round_type: int
    target_level: int
    line: int
    deadline: int
    over_pool: int
    under_pool: int
    resolve_time: int
    resolved: bool
    outcome: bool
    burned: int


class BetRow(NamedTuple):
    """A user's bet in a round after a change; amounts in wei, `payout` once it is claimed."""

    id: int
    block_time: BlockTime
    event_id: int
    tx_hash: Hash
    round_id: int
    round_type: int
    address: Address
    action: str
    amount_change: int
    amount: int
    is_over: bool
    claimed: bool
    payout: int


class BoostRow(NamedTuple):
    """A boost that was applied; `expiry` in unix seconds."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    address: Address
    boost_type: int
    value_bps: int
    expiry: int


class CullingRow(NamedTuple):
    """A culling (rule 7): the victim's stake, penalty, return and burn in wei, and the streak, which it keeps."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    level: int
    victim: Address
    new_entrant: Address
    amount: int
    penalty_amount: int
    returned_amount: int
    burned: int
    streak: int


class SystemResetRow(NamedTuple):
    """A system reset; amounts in wei.

    `winner` was paid `paid_amount`; without a deposit since the last reset they are None and 0, although
    `jackpot_amount` is reported (rule 10).
    """

    id: int
    block_time: BlockTime
    tx_hash: Hash
    epoch: int
    total_penalty: int
    jackpot_amount: int
    winner: Address | None
    paid_amount: int
    burned: int


class TokenTransferRow(NamedTuple):
    """A DATA transfer in wei; mints come from the zero address, burns go to it."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    sender: Address
    recipient: Address
    amount: int


class TollRow(NamedTuple):
    """A toll in wei of ETH; the collector is a contract, mostly not the player."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    collector: Address
    amount: int
    reason: Hash


class BuybackRow(NamedTuple):
    """A buyback: ETH spent, DATA received and burned, in wei."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    eth_spent: int
    data_received: int
    data_burned: int


class EmissionRow(NamedTuple):
    """Emissions for a level in wei; not credited if nobody has stake there."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    level: int
    amount: int
    credited: bool


class VestingClaimRow(NamedTuple):
    """Vested DATA claimed, in wei."""

    id: int
    block_time: BlockTime
    tx_hash: Hash
    beneficiary: Address
    amount: int


Archived = ChainBlockRow | ChainEventRow | ChainTransactionRow | WitnessAnswerRow | UndecodedLogRow
"""Rows that archive the chain, as far as the rules read it: all other rows can be computed from them."""

Fact = BoostRow | CullingRow | SystemResetRow | TokenTransferRow | TollRow | BuybackRow | EmissionRow | VestingClaimRow
"""Rows that stand for one event each: id, block time and transaction hash, then columns of their own."""

Version = PositionRow | LevelStateRow | LevelSlotRow | ProtocolStateRow | ScanRow | RoundRow | BetRow
"""Rows that hold the whole state of something after a change."""

Row = Archived | DeathRow | Fact | Version

ARCHIVE: tuple[type[Row], ...] = get_args(Archived)
FACTS: tuple[type[Row], ...] = (DeathRow, *get_args(Fact))
"""Rows of things that happened once and have no later state."""

VERSIONS: dict[type[Row], tuple[str, ...]] = {
    PositionRow: ("address",),
    LevelStateRow: ("level",),
    LevelSlotRow: ("level", "slot"),
    ProtocolStateRow: ("key",),
    ScanRow: ("scan_id",),
    RoundRow: ("round_id",),
    BetRow: ("round_id", "address"),
}
"""Each Version, with the columns of its key."""


def up_to(block_number: int, rows: Mapping[type[Row], Sequence[Any]]) -> dict[type[Row], Sequence[Any]]:
    """The rows of all blocks up to this one, by row class; each sequence is in chain order."""
    end = first_id(block_number + 1)
    return {
        kind: some if not some or some[-1][0] < end else [row for row in some if row[0] < end]
        for kind, some in rows.items()
    }

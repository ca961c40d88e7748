"""Find claims of rewards among GhostCore's payments, and the players whose reset penalty an event settles.

A payment is a claim of rewards if no other event of the transaction explains it.
"""

from collections.abc import Sequence

from indexer.domain.chain import DecodedLog
from indexer.domain.events import (
    CascadeDistributed,
    Extracted,
    PositionCulled,
    StakeAdded,
    SystemResetTriggered,
    Transfer,
)
from indexer.domain.positions import RESET_BURN_BPS
from indexer.domain.units import DEAD_ADDRESS, Address
from indexer.rules.game import share_bps

_NOTHING: frozenset[int] = frozenset()


def claims_among(logs: Sequence[DecodedLog], ghost_core: Address) -> frozenset[int]:
    """The event ids of a transaction's Transfers that pay out `claimRewards` (rule 9).

    Every event that pays follows its Transfers, which are assigned to it; the remaining ones are claims.
    """
    if not _pays(logs, ghost_core):
        return _NOTHING
    payments: list[tuple[int, Address, int]] = []
    for log in logs:
        event = log.event
        if type(event) is Transfer:
            # Anybody can transfer nothing in anybody's name; GhostCore itself never pays nothing.
            if event.from_ == ghost_core and event.to != DEAD_ADDRESS and event.value:
                payments.append((log.event_id, event.to, event.value))
        elif type(event) is Extracted:
            _take(payments, event.amount + event.rewards, event.user)
        elif type(event) is PositionCulled:
            _take(payments, event.returned_amount, event.victim)
        elif type(event) is CascadeDistributed:
            _take(payments, event.protocol_amount)
        elif type(event) is SystemResetTriggered:
            burned = share_bps(event.total_penalty, RESET_BURN_BPS)
            _take(payments, event.total_penalty - event.jackpot_amount - burned)
            _take(payments, event.jackpot_amount)
    return frozenset(event_id for event_id, _, _ in payments)


def settled_by(logs: Sequence[DecodedLog], ghost_core: Address) -> set[Address]:
    """The players whose penalty a transaction's events settle, if one is owed (rule 8)."""
    claims = claims_among(logs, ghost_core)
    found = {log.event.user for log in logs if type(log.event) in (StakeAdded, Extracted)}
    return found | {log.event.to for log in logs if log.event_id in claims}


def _pays(logs: Sequence[DecodedLog], ghost_core: Address) -> bool:
    for log in logs:
        event = log.event
        if type(event) is Transfer and event.from_ == ghost_core:
            return True
    return False


def _take(payments: list[tuple[int, Address, int]], amount: int, to: Address | None = None) -> None:
    for index in reversed(range(len(payments))):
        _, recipient, value = payments[index]
        if value == amount and (to is None or recipient == to):
            del payments[index]
            return

"""Rounds, bets and boosts after each block, computed from the logs of a recording."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from indexer.decode.decoder import LogDecoder, MalformedLog
from indexer.domain import events
from indexer.domain.positions import Boost
from indexer.domain.units import Address
from indexer.replay.recording import RecordedBlock

T = TypeVar("T")


class RoundAnswer(NamedTuple):
    """What `getRound` returns; zeros for a round that there is not."""

    round_type: int = 0
    target_level: int = 0
    line: int = 0
    over_pool: int = 0
    under_pool: int = 0
    deadline: int = 0
    resolve_time: int = 0
    resolved: bool = False
    outcome: bool = False


class BetAnswer(NamedTuple):
    """What `getBet` returns; zeros for a bet that there is not."""

    amount: int = 0
    is_over: bool = False
    claimed: bool = False


class Versions(Generic[T]):
    """The values of one thing, each from a block on; `first` before all blocks."""

    def __init__(self, first: T) -> None:
        self._blocks = [-1]
        self._values = [first]

    @property
    def newest(self) -> T:
        """The last value."""
        return self._values[-1]

    def put(self, block: int, value: T) -> None:
        """Add the value from a block on, which must not lie before the last one's."""
        self._blocks.append(block)
        self._values.append(value)

    def at(self, block: int) -> T:
        """The value after a block."""
        return self._values[bisect_right(self._blocks, block) - 1]


class Ledger:
    """Adds up the logs of the contracts at these addresses; unknown events are ignored."""

    def __init__(self, recording: Sequence[RecordedBlock], contracts: Mapping[str, str]) -> None:
        self.round_count = Versions(0)
        self.rounds: dict[int, Versions[RoundAnswer]] = defaultdict(lambda: Versions(RoundAnswer()))
        self.bets: dict[tuple[int, str], Versions[BetAnswer]] = defaultdict(lambda: Versions(BetAnswer()))
        self.boosts: dict[str, Versions[tuple[Boost, ...]]] = defaultdict(lambda: Versions(()))
        known = LogDecoder({name: Address(address) for name, address in contracts.items()}).by_address_and_topic
        decoders = {place: decoder for place, (_, decoder) in known.items() if decoder.name in _READERS}
        for block in recording:
            for transaction in block.txs:
                for log in transaction.logs:
                    decoder = decoders.get((log.address, log.topics[0])) if log.topics else None
                    if decoder is None:
                        continue
                    try:
                        event, _ = decoder.decode(log.topics, log.data)
                    except MalformedLog:
                        continue
                    _READERS[decoder.name](self, block, event)

    def round_created(self, block: RecordedBlock, event: events.RoundCreated) -> None:
        """A round begins, without bets."""
        self.round_count.put(block.number, self.round_count.newest + 1)
        created = RoundAnswer(event.round_type, event.target_level, event.line, deadline=event.deadline)
        self.rounds[event.round_id].put(block.number, created)

    def round_resolved(self, block: RecordedBlock, event: events.RoundResolved) -> None:
        """A round ends, at the time of its block."""
        versions = self.rounds[event.round_id]
        resolved = versions.newest._replace(resolve_time=block.timestamp, resolved=True, outcome=event.outcome)
        versions.put(block.number, resolved)

    def bet_placed(self, block: RecordedBlock, event: events.BetPlaced) -> None:
        """A bet and its side's pool grow."""
        bet, rounds = self.bets[event.round_id, event.user], self.rounds[event.round_id]
        bet.put(block.number, bet.newest._replace(amount=bet.newest.amount + event.amount, is_over=event.is_over))
        side = "over_pool" if event.is_over else "under_pool"
        pool = getattr(rounds.newest, side) + event.amount
        rounds.put(block.number, rounds.newest._replace(**{side: pool}))

    def winnings_claimed(self, block: RecordedBlock, event: events.WinningsClaimed) -> None:
        """A bet has been paid out."""
        bet = self.bets[event.round_id, event.user]
        bet.put(block.number, bet.newest._replace(claimed=True))

    def boost_applied(self, block: RecordedBlock, event: events.BoostApplied) -> None:
        """A player has one more boost."""
        boosts = self.boosts[event.user]
        boosts.put(block.number, (*boosts.newest, Boost(event.boost_type, event.value_bps, event.expiry)))

    def extracted(self, block: RecordedBlock, event: events.Extracted) -> None:
        """A player leaves, and the boosts are gone (rule 3)."""
        self.boosts[event.user].put(block.number, ())


_READERS: Final[Mapping[str, Callable[[Ledger, RecordedBlock, Any], None]]] = {
    "RoundCreated": Ledger.round_created,
    "RoundResolved": Ledger.round_resolved,
    "BetPlaced": Ledger.bet_placed,
    "WinningsClaimed": Ledger.winnings_claimed,
    "BoostApplied": Ledger.boost_applied,
    "Extracted": Ledger.extracted,
}
"""What adds up each event."""

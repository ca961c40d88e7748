"""Find the players who died in a batch of deaths, by calldata, trace, draw or state: no log names them (rule 13)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from eth_hash.auto import keccak

from indexer.decode.calldata import address_arrays, death_lists
from indexer.domain.positions import Position, effective_death_rate
from indexer.domain.scans import Evidence, Scan
from indexer.domain.units import BPS, Address
from indexer.rules.errors import DeathsUnresolved
from indexer.rules.game import Game

_MAX_SEARCHED: Final = 36
"""Subsets of more candidates than this are not searched: the work doubles with every second candidate."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The players who died in a batch of deaths, and the source that named them."""

    dead: Sequence[Position]
    evidence: Evidence

    @property
    def order_known(self) -> bool:
        """Whether `dead` is in the order of the deaths: only calldata and traces show it."""
        return len(self.dead) == 1 or self.evidence in (Evidence.CALLDATA, Evidence.TRACE)


def who_died(game: Game, scan: Scan, count: int, total: int) -> Verdict:
    """The `count` players at the scan's level whose stakes sum to `total` wei.

    Sources are tried in the order of their reliability. If all fail but the draw leaves only a choice between
    selections of equal stakes, the first one is assumed: levels and rewards are right either way, and the players' own
    rows as soon as the rest of the doomed are submitted.

    Raises DeathsUnresolved if no source names them.
    """
    batch = _Batch(game, scan, count, total)
    if (dead := batch.from_calldata()) is not None:
        return Verdict(dead, Evidence.CALLDATA)
    if (dead := batch.from_trace()) is not None:
        return Verdict(dead, Evidence.TRACE)
    drawn = batch.from_draw()
    if len(drawn) == 1 and batch.is_contradicted(drawn[0]):
        drawn = []
    if len(drawn) == 1:
        return Verdict(drawn[0], Evidence.DRAW)
    if (dead := batch.from_state()) is not None:
        return Verdict(dead, Evidence.STATE)
    if drawn:
        return Verdict(drawn[0], Evidence.ASSUMED)
    raise DeathsUnresolved(
        f"{game.journal.place}: cannot tell which {count} players with {total} wei died in scan {scan.scan_id} "
        f"on level {scan.level}"
    )


@dataclass(slots=True)
class _Batch:
    game: Game
    scan: Scan
    count: int
    total: int

    def from_calldata(self) -> list[Position] | None:
        """The first list in the input that fits, that has not served an earlier batch of this transaction."""
        calldata = self.game.tx.input
        if calldata is None:
            return None
        for call in death_lists(calldata):
            if call.level == self.scan.level and call.offset not in self.game.tx.used_death_lists:
                dead = self.mortal(call.users)
                if self.fits(dead):
                    self.game.tx.used_death_lists |= {call.offset}
                    return dead
        for users in address_arrays(calldata):
            dead = self.mortal(users)
            if self.fits(dead):
                return dead
        mentioned = self.mentioned(calldata)
        for dead in (mentioned, [position for position in mentioned if self.doomed(position)]):
            if self.fits(dead):
                return dead
        return None

    def from_trace(self) -> list[Position] | None:
        for level, users in self.game.witness.submitted_lists(self.game.journal.tx_hash) or ():
            dead = self.mortal(users)
            if level == self.scan.level and self.fits(dead):
                return dead
        return None

    def from_draw(self) -> list[list[Position]]:
        """The doomed if they fit as a whole; else up to two selections of them that fit, two meaning a choice."""
        doomed = [position for position in self.candidates() if self.doomed(position)]
        if self.fits(doomed):
            return [doomed]
        if len(doomed) <= _MAX_SEARCHED:
            return list(islice(selections_of_sum(doomed, self.count, self.total), 2))
        by_address = sorted(doomed, key=lambda position: position.address)
        runs = [run for order in (doomed, by_address) for run in self.runs(order)]
        return runs[:1]

    def runs(self, order: Sequence[Position]) -> Iterator[list[Position]]:
        """Selections that stand together in an order: keepers walk through their players batch by batch."""
        for start in range(len(order) - self.count + 1):
            run = list(order[start : start + self.count])
            if self.fits(run):
                yield run

    def from_state(self) -> list[Position] | None:
        """The candidates who are not alive any more at the end of the block."""
        number = self.game.journal.block_number
        dead = [
            position for position in self.candidates() if self.game.witness.is_alive(position.address, number) is False
        ]
        return dead if self.fits(dead) else None

    def is_contradicted(self, dead: Sequence[Position]) -> bool:
        """Whether the contracts' state shows one of these alive at the end of the block: then another player died,
        whose stake in the mirror is wrong because its penalty was settled unseen."""
        number = self.game.journal.block_number
        return any(self.game.witness.is_alive(position.address, number) for position in dead)

    def mortal(self, users: Iterable[Address]) -> list[Position]:
        """Those of a list that TraceScan lets die: no repeats, alive on this level, not yet processed in this scan."""
        positions = (self.game.positions.get(user) for user in dict.fromkeys(users))
        return [position for position in positions if position is not None and self.can_die(position)]

    def candidates(self) -> list[Position]:
        """All players who could die: the level's living in the order of its array, then those who fell off it."""
        level = self.game.levels[self.scan.level]
        strangers = sorted(
            (position for position in self.game.positions.values() if not position.on_roster),
            key=lambda position: position.address,
        )
        listed = (self.game.positions[address] for address in level.roster.members)
        return [position for group in (listed, strangers) for position in group if self.can_die(position)]

    def mentioned(self, calldata: str) -> list[Position]:
        """The candidates whose address occurs in the input, however encoded, in order of appearance."""
        found = ((calldata.find(position.address[2:]), position) for position in self.candidates())
        return [position for at, position in sorted(found, key=lambda pair: pair[0]) if at >= 0]

    def can_die(self, position: Position) -> bool:
        return position.alive and position.level == self.scan.level and position.address not in self.scan.processed

    def doomed(self, position: Position) -> bool:
        """TraceScan's draw, with the boosts unexpired at the time of submission (rule 14)."""
        level = self.game.levels[self.scan.level]
        boosts = self.game.boosts.get(position.address, [])
        rate = effective_death_rate(level.config.base_death_rate_bps, boosts, self.game.now)
        return draw(self.scan.seed, position.address) < rate

    def fits(self, dead: Sequence[Position]) -> bool:
        return len(dead) == self.count and sum(position.amount for position in dead) == self.total


def draw(seed: int, user: Address) -> int:
    """`keccak256(abi.encode(seed, user)) % 10000`: a user dies if this is below the death rate in bps."""
    encoded = seed.to_bytes(32) + bytes(12) + bytes.fromhex(user[2:])
    return int.from_bytes(keccak(encoded)) % BPS


def selections_of_sum(positions: Sequence[Position], count: int, total: int) -> Iterator[list[Position]]:
    """Every way to pick `count` of the positions with stakes of `total` wei, by meeting in the middle."""
    half = len(positions) // 2
    left: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    for picked, key in _selections(positions[:half], 0):
        left.setdefault(key, []).append(picked)
    for picked, (right_count, right_sum) in _selections(positions[half:], half):
        for others in left.get((count - right_count, total - right_sum), ()):
            yield [positions[index] for index in (*others, *picked)]


def _selections(positions: Sequence[Position], offset: int) -> Iterator[tuple[tuple[int, ...], tuple[int, int]]]:
    selections: list[tuple[tuple[int, ...], tuple[int, int]]] = [((), (0, 0))]
    for index, position in enumerate(positions, offset):
        selections += [
            ((*picked, index), (count + 1, stake + position.amount)) for picked, (count, stake) in selections
        ]
    return iter(selections)

"""Small games that the tests of the rules begin with."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from indexer.domain.events import (
    CascadeDistributed,
    DeathsProcessed,
    DeathsSubmitted,
    EmissionsAdded,
    ScanExecuted,
    ScanFinalized,
    SurvivorsUpdated,
    SystemResetTriggered,
    Transfer,
)
from indexer.domain.units import DATA, DEAD_ADDRESS, ZERO_ADDRESS, Address, Json
from indexer.records.rows import DeathRow
from indexer.rules.deaths import draw
from indexer.rules.game import Game
from indexer.rules.witness import Witness
from tests.chains import GHOST_CORE, TRACE_SCAN, ChainBuilder, user

ALICE, BOB, CAROL, DAVE = user(0xA), user(0xB), user(0xC), user(0xD)
TREASURY, KEEPER = user(0x77), user(0x88)
SEED = 4711


def emissions(level: int, amount: int) -> tuple[str, EmissionsAdded]:
    return ("GhostCore", EmissionsAdded(level, amount))


def three_on_level_one() -> ChainBuilder:
    chain = ChainBuilder()
    chain.deploy()
    for who, amount in ((ALICE, 100), (BOB, 200), (CAROL, 300)):
        chain.jack_in(who, amount * DATA, 1)
    return chain


def execute_scan(chain: ChainBuilder, level: int = 1, scan_id: int = 1, seed: int = SEED) -> None:
    chain.events(("TraceScan", ScanExecuted(level, scan_id, seed, chain.now + 1)), to=TRACE_SCAN)


def death_events(count: int, total: int, level: int = 1, scan_id: int = 1) -> list[tuple[str, object]]:
    return [
        ("GhostCore", DeathsProcessed(level, count, total, 0, 0)),
        ("TraceScan", DeathsSubmitted(level, scan_id, count, total, KEEPER)),
    ]


def finalize_scan(
    chain: ChainBuilder, deaths: int, total: int, survivors: int, *, level: int = 1, scan_id: int = 1
) -> None:
    cascade: list[tuple[str, object]] = []
    if deaths:
        protocol = total - 3 * (total * 3000 // 10000)
        share = total * 3000 // 10000
        cascade = [
            ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, share)),
            ("DataToken", Transfer(GHOST_CORE, TREASURY, protocol)),
            ("GhostCore", CascadeDistributed(level, share, share, share, protocol)),
        ]
    chain.events(
        *cascade,
        ("GhostCore", SurvivorsUpdated(level, survivors)),
        ("TraceScan", ScanFinalized(level, scan_id, deaths, total, chain.now + 1)),
        to=TRACE_SCAN,
    )


def trigger_reset(chain: ChainBuilder, total_staked: int, winner: Address | None) -> None:
    penalty = total_staked * 2500 // 10000
    jackpot, burned = penalty // 2, penalty * 3000 // 10000
    paid = [("DataToken", Transfer(GHOST_CORE, winner, jackpot))] if winner else []
    chain.events(
        *paid,
        ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, burned)),
        ("DataToken", Transfer(GHOST_CORE, TREASURY, penalty - jackpot - burned)),
        ("GhostCore", SystemResetTriggered(penalty, ZERO_ADDRESS, jackpot)),
    )


def dead_in(game: Game) -> Sequence[Address]:
    return [row.address for row in game.journal.rows[DeathRow]]


def doomed_by(seed: int, *who: Address) -> bool:
    return all(draw(seed, address) < 500 for address in who)


def seed_that_dooms(*who: Address, spares: Sequence[Address] = ()) -> int:
    return next(
        seed
        for seed in range(10**7)
        if doomed_by(seed, *who) and not any(draw(seed, address) < 500 for address in spares)
    )


class RecordedWitness:
    """A node that traces, or that knows who is alive."""

    def __init__(
        self,
        lists: Sequence[tuple[int, Sequence[Address]]] | None,
        dead: set[Address],
        stakes: Mapping[Address, int] = MappingProxyType({}),
    ) -> None:
        self._lists = lists
        self._dead = dead
        self._stakes = stakes

    def recording_into(self, keep: Callable[[str, Json], None]) -> Witness:
        return self

    def stake(self, user: Address, block_number: int) -> int | None:
        return self._stakes.get(user)

    def submitted_lists(self, tx_hash: str) -> Sequence[tuple[int, Sequence[Address]]] | None:
        return self._lists

    def is_alive(self, user: Address, block_number: int) -> bool:
        return user not in self._dead

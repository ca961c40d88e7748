"""The contracts are upgraded: events get another argument, and new ones appear, before this is known here and after."""

from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from indexer.decode.decoder import topic0_of
from indexer.domain import events
from indexer.domain.events import BoostApplied, DeathsProcessed, DeathsSubmitted, JackedIn, ScanExecuted, TollCollected
from indexer.domain.units import DATA, Address, Hash
from indexer.models import ChainEvent, Incident, UndecodedLog
from indexer.replay.recording import RecordedBlock, RecordedLog
from indexer.replay.server import ReplayServer
from indexer.replay.state import RecordedState
from indexer.rules.registry import HANDLERS, archive_only
from indexer.store.alarms import AlarmKind, alarms, raise_alarm
from indexer.store.database import connect
from indexer.store.digest import state_digest
from indexer.sync import silent_candidates
from indexer.sync.contract_changes import ContractsChanged
from tests.abis import abi_folder, event_abi, logged, topic0_in
from tests.chains import ADDRESSES, GHOST_CORE, abi_of, submit_deaths, user
from tests.contract_state import state_of
from tests.databases import Databases, default_database
from tests.indexer.maintenance.rebuilding import run_rebuild
from tests.indexer.maintenance.refetching import run_refetch
from tests.indexer.store.building import deployed
from tests.indexing import Watcher, index

SINCE: Final = 4
"""The block from which on the upgraded contracts are at work."""
ADDED: Final = "uint64 added"
TIPPED: Final = event_abi("Tipped", "address indexed player", "uint256[] amounts", "string note")


class Tipped(NamedTuple):
    """A new event."""

    player: Address
    amounts: tuple[int, ...]
    note: str


def longer(event: Any) -> Any:
    """The event's class with an argument more, which older logs lack."""
    return namedtuple(event.__name__, (*event._fields, "added"), defaults=[0])


@pytest.fixture(scope="module")
def played() -> list[RecordedBlock]:
    """A chain of the contracts as they are."""
    chain = deployed()
    for number in range(1, 4):
        chain.jack_in(user(number), 100 * DATA, 1)
    chain.events(("GhostCore", BoostApplied(user(3), 0, 100, 2**64 - 1)))
    chain.events(("TraceScan", ScanExecuted(1, 1, 4711, chain.now)))
    chain.events(
        ("GhostCore", DeathsProcessed(1, 1, 100 * DATA, 0, 0)),
        ("TraceScan", DeathsSubmitted(1, 1, 1, 100 * DATA, user(8))),
        calldata=submit_deaths(1, [user(2)]),
    )
    chain.events(("FeeRouter", TollCollected(user(1), 5, Hash("0x" + "01" * 32))))
    tip = logged(GHOST_CORE, TIPPED, user(1), [1, 2**255], "thank\0 you")
    chain.block(chain.transaction(logs=[tip]))
    chain.jack_in(user(4), 100 * DATA, 1)
    return chain.blocks


def upgraded(blocks: list[RecordedBlock], contract: str, entry: dict[str, Any]) -> list[RecordedBlock]:
    """The chain as it would be if the contract emitted this version of an event from SINCE on."""
    old = topic0_of(contract, entry["name"])

    def renewed(log: RecordedLog) -> RecordedLog:
        if log.topics[0] != old:
            return log
        return RecordedLog(log.address, [topic0_in(entry), *log.topics[1:]], log.data + f"{5:064x}")

    return [
        msgspec.structs.replace(
            block, txs=[msgspec.structs.replace(tx, logs=[renewed(log) for log in tx.logs]) for tx in block.txs]
        )
        if block.number >= SINCE
        else block
        for block in blocks
    ]


class Upgrade:
    """A chain on which a contract was upgraded, a node of it, and the change to this project that follows."""

    def __init__(self, contract: str, event: type, blocks: list[RecordedBlock]) -> None:
        self.contract, self.event = contract, event
        entry = abi_of(contract, event.__name__)
        self.entry = {**entry, "inputs": [*entry["inputs"], *event_abi("", ADDED)["inputs"]]}
        self.blocks = upgraded(blocks, contract, self.entry)
        self.state: RecordedState | None = None

    def index(self) -> Watcher:
        with ReplayServer(self.blocks, state=self.state) as server:
            return index(server, ADDRESSES)

    @contextmanager
    def known(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
        """With the ABI, the classes and the handlers of the upgraded contracts."""
        newer = longer(self.event)
        handler = HANDLERS[self.contract][self.event]
        entries = {"GhostCore": [TIPPED]}
        entries[self.contract] = [*entries.get(self.contract, []), self.entry]
        with monkeypatch.context() as patch, abi_folder(monkeypatch, folder, **entries):
            patch.setattr(events, self.event.__name__, newer)
            patch.setattr(events, "Tipped", Tipped, raising=False)
            patch.setattr(silent_candidates, "JackedIn", events.JackedIn)
            patch.setitem(HANDLERS[self.contract], newer, handler)
            patch.setitem(HANDLERS["GhostCore"], Tipped, archive_only)
            yield


def digest_from_the_start(upgrade: Upgrade, databases: Databases) -> str:
    with default_database(databases.make()), connect() as connection:
        upgrade.index()
        return state_digest(connection)


@pytest.mark.parametrize(
    ("contract", "event", "with_state", "place", "stopped_at"),
    [
        ("GhostCore", JackedIn, True, "block 4, log 0", 4),
        ("TraceScan", ScanExecuted, False, "block 6, log 0", 7),
        ("TraceScan", DeathsSubmitted, False, "block 7, log 1", 7),
    ],
)
def test_a_rule_that_breaks_after_undecoded_logs_names_them_and_goes_on_once_their_event_is_known(
    contract: str,
    event: type,
    with_state: bool,
    place: str,
    stopped_at: int,
    played: list[RecordedBlock],
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    upgrade = Upgrade(contract, event, played)
    upgrade.state = state_of(played) if with_state else None
    with default_database(databases.make()), connect() as connection:
        with pytest.raises(ContractsChanged) as stopped:
            upgrade.index()
        assert stopped.value.message.startswith(f"block {stopped_at}")
        reason = f"no event of {contract} has topic0 {topic0_in(upgrade.entry)}"
        assert f"{place} of {ADDRESSES[contract]}: {reason}" in stopped.value.message
        assert "Quarantine nothing" in stopped.value.help
        assert alarms(connection)[AlarmKind.HALTED] == stopped.value.message
        with upgrade.known(monkeypatch, tmp_path):
            upgrade.index()
            assert state_digest(connection) == digest_from_the_start(upgrade, databases)
        assert alarms(connection) == {}


def by_rebuilding(connection: Any, _: Upgrade) -> None:
    assert run_rebuild(connection, SINCE).newly_decoded


def by_fetching_again(connection: Any, upgrade: Upgrade) -> None:
    with ReplayServer(upgrade.blocks) as server:
        assert run_refetch(connection, server, 0, mend=True).rollback


@pytest.mark.parametrize("mend", [by_rebuilding, by_fetching_again])
@pytest.mark.parametrize(("contract", "event"), [("GhostCore", JackedIn), ("FeeRouter", TollCollected)])
def test_logs_that_were_kept_are_reported_and_decoded_once_their_event_is_known(
    contract: str,
    event: type,
    mend: Callable[[Any, Upgrade], None],
    played: list[RecordedBlock],
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    upgrade = Upgrade(contract, event, played)
    with default_database(databases.make()), connect() as connection:
        assert upgrade.index().alarms == []
        kept = UndecodedLog.objects.order_by("id")
        with upgrade.known(monkeypatch, tmp_path):
            right = digest_from_the_start(upgrade, databases)
            ((kind, message),) = upgrade.index().alarms
            assert kind == AlarmKind.UNDECODED
            assert message is not None
            assert message.startswith(f"{len(kept)} logs can be decoded now")
            assert f"rebuild_state --from-block {kept[0].block_number}`" in message
            assert Incident.objects.filter(message__contains="can be decoded now").count() == 1
            assert alarms(connection) == {}
            assert state_digest(connection) != right
            raise_alarm(connection, AlarmKind.UNDECODED, "11 of 20 logs can't be decoded")
            mend(connection, upgrade)
            assert upgrade.index().alarms[-1] == (AlarmKind.UNDECODED, None)
            assert alarms(connection) == {}
            assert state_digest(connection) == right
            assert not UndecodedLog.objects.exists()
            tip = ChainEvent.objects.get(name="Tipped").args
            assert tip == {"player": user(1), "amounts": ["1", str(2**255)], "note": "0x7468616e6b0020796f75"}
            assert not run_rebuild(connection, swap=False).differs
        assert state_digest(connection) == right

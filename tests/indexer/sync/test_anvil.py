"""The indexer on a real node: anvil, with contracts made for these tests that emit the game's events."""

import asyncio
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from indexer.chain.answers import Call
from indexer.chain.client import NodeClient
from indexer.domain.events import (
    BetPlaced,
    CascadeDistributed,
    DeathsProcessed,
    DeathsSubmitted,
    EmissionsAdded,
    Initialized,
    JackedIn,
    RoundCreated,
    ScanExecuted,
    ScanFinalized,
    StakeAdded,
    SurvivorsUpdated,
    SystemResetTriggered,
    Transfer,
)
from indexer.domain.units import DATA, DEAD_ADDRESS, ZERO_ADDRESS, Address
from indexer.maintenance.dump import dump_state
from indexer.store.database import connect
from indexer.store.digest import state_digest
from tests.chains import ADDRESSES, GHOST_CORE, Event, encode_log, submit_deaths, user
from tests.databases import Databases, default_database
from tests.indexing import index
from tests.paths import PROJECT
from tests.rows import fetch_one

CHAIN_ID = 6343
DISPATCHER = "0xd1" + "00" * 18 + "01"
ALICE = Address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")
"""The first of anvil's own accounts: it can send transactions."""
BOB, CAROL, TREASURY = user(2), user(3), user(4)

OPCODES = {
    "STOP": 0x00, "ADD": 0x01, "GT": 0x11, "ISZERO": 0x15, "SHL": 0x1B, "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36,
    "CALLDATACOPY": 0x37, "POP": 0x50, "JUMP": 0x56, "JUMPI": 0x57, "GAS": 0x5A, "JUMPDEST": 0x5B, "DUP1": 0x80,
    "SWAP1": 0x90, "LOG0": 0xA0, "CALL": 0xF1,
}  # fmt: skip


def assemble(text: str) -> bytes:
    """Opcodes and numbers (pushed as one byte) to code; DUPn, LOGn and SWAPn count up from the first of their kind."""
    code = bytearray()
    for word in text.split():
        if word.startswith("0x"):
            code += bytes([0x60, int(word, 16)])
        elif word in OPCODES:
            code.append(OPCODES[word])
        else:
            name, number = word.rstrip("0123456789"), int(word[-1])
            first = 0 if name == "LOG" else 1
            code.append(OPCODES[f"{name}{first}"] + number - first)
    return bytes(code)


def emitter() -> bytes:
    """A contract that logs what its calldata says: number of topics, length of the data, topics, data.

    Its blocks for 0 to 4 topics stand 32 bytes apart from byte 64 on; calldata shorter than two words does nothing.
    """
    copy_data = "0x20 CALLDATALOAD DUP1 0x00 CALLDATALOAD 0x05 SHL 0x40 ADD 0x00 CALLDATACOPY"
    jump = "0x00 CALLDATALOAD 0x05 SHL 0x40 ADD JUMP"
    stop_if_short = "CALLDATASIZE 0x40 GT 0xe0 JUMPI"
    code = assemble(f"{stop_if_short} {copy_data} {jump}").ljust(64, b"\0")
    for topics in range(5):
        loads = " ".join(f"{0x40 + 32 * index:#04x} CALLDATALOAD" for index in reversed(range(topics)))
        code += assemble(f"JUMPDEST {loads} DUP{topics + 1} 0x00 LOG{topics} STOP").ljust(32, b"\0")
    return code + assemble("JUMPDEST STOP")


def dispatcher() -> bytes:
    """A contract that makes the calls that its calldata lists: target, size, input, and so on up to a zero target."""
    return assemble(
        "0x00 JUMPDEST DUP1 CALLDATALOAD DUP1 ISZERO 0x2d JUMPI DUP2 0x20 ADD CALLDATALOAD "
        "DUP1 DUP4 0x40 ADD 0x00 CALLDATACOPY 0x00 0x00 DUP3 0x00 0x00 DUP7 GAS CALL POP "
        "SWAP1 POP ADD 0x40 ADD 0x02 JUMP JUMPDEST STOP"
    )


def word(value: int | str) -> str:
    return f"{value:064x}" if isinstance(value, int) else value.removeprefix("0x").rjust(64, "0")


def calls(*events: Event, mentioned: str = "0x") -> str:
    """Calldata for the dispatcher that emits these events; `mentioned` stands behind the calls and does nothing."""
    text = ""
    for contract, event in events:
        log = encode_log(contract, event)
        data = log.data[2:]
        payload = word(len(log.topics)) + word(len(data) // 2) + "".join(topic[2:] for topic in log.topics) + data
        text += word(ADDRESSES[contract]) + word(len(payload) // 2) + payload
    return "0x" + text + word(0) + mentioned[2:]


class Anvil:
    """A running anvil that mines on request."""

    chain_id = CHAIN_ID

    def __init__(self, url: str) -> None:
        self.url = url
        self.ws_url = url.replace("http", "ws")

    def ask(self, *requests: Call) -> list[Any]:
        async def work() -> list[Any]:
            async with NodeClient([self.url], patience=10) as client:
                return await client.batch(list(requests), Any)

        answers = asyncio.run(work())
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def place_contracts(self) -> None:
        code = {address: emitter() for address in ADDRESSES.values()} | {DISPATCHER: dispatcher()}
        self.ask(*(("anvil_setCode", [address, "0x" + text.hex()]) for address, text in code.items()))

    def mine(self, *inputs: str, to: str = DISPATCHER) -> None:
        """A block with one transaction per input."""
        for calldata in inputs:
            transaction = {"from": ALICE, "to": to, "data": calldata, "gas": hex(3_000_000)}
            self.ask(("eth_sendTransaction", [transaction]))
        self.ask(("anvil_mine", []))

    @property
    def head(self) -> int:
        return int(self.ask(("eth_blockNumber", []))[0], 16)


def anvil_binary() -> str | None:
    installed = PROJECT.glob(".ci/npm/anvil/node_modules/@foundry-rs/anvil-*/bin/anvil")
    return next((str(path) for path in installed), shutil.which("anvil"))


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[Anvil]:
    binary = anvil_binary()
    if binary is None:
        if os.environ.get("CI") == "true" and shutil.which("npm"):
            pytest.fail("anvil is not installed, though there is npm: see .ci/run")
        pytest.skip("no anvil: npm install --prefix .ci/npm/anvil @foundry-rs/anvil@1.7.1")
    log = tmp_path / "anvil.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [binary, "--port", "0", "--no-mining", "--chain-id", str(CHAIN_ID), "--code-size-limit", "100000"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Anvil("http://" + listening_address(log))
    finally:
        process.kill()
        process.wait()


def listening_address(log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if line.startswith("Listening on "):
                return line.removeprefix("Listening on ").strip()
        time.sleep(0.02)
    raise AssertionError(log.read_text())


def opening(anvil: Anvil) -> None:
    """Deployment, and three players on level 1, several transactions to a block."""
    anvil.place_contracts()
    supply = Transfer(ZERO_ADDRESS, TREASURY, 10**6 * DATA)
    anvil.mine(calls(("GhostCore", Initialized(1)), ("DataToken", supply)))
    stakes = ((ALICE, 100 * DATA), (BOB, 200 * DATA), (CAROL, 300 * DATA))
    anvil.mine(
        *(
            calls(("GhostCore", JackedIn(who, stake, 1, stake)), ("DataToken", Transfer(who, GHOST_CORE, stake)))
            for who, stake in stakes
        )
    )
    anvil.mine(calls(("GhostCore", EmissionsAdded(1, 60 * DATA))), calls(("DeadPool", RoundCreated(1, 0, 1, 5, 99))))


def scan_that_kills_bob(anvil: Anvil) -> None:
    anvil.mine(calls(("TraceScan", ScanExecuted(1, 1, 4711, 1))))
    deaths: Sequence[Event] = (
        ("GhostCore", DeathsProcessed(1, 1, 200 * DATA, 0, 0)),
        ("TraceScan", DeathsSubmitted(1, 1, 1, 200 * DATA, ALICE)),
    )
    anvil.mine(calls(*deaths, mentioned=submit_deaths(1, [BOB])))
    share = 60 * DATA
    anvil.mine(
        calls(
            ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, share)),
            ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, share)),
            ("DataToken", Transfer(GHOST_CORE, TREASURY, 20 * DATA)),
            ("GhostCore", CascadeDistributed(1, share, share, share, 20 * DATA)),
            ("GhostCore", SurvivorsUpdated(1, 2)),
            ("TraceScan", ScanFinalized(1, 1, 1, 200 * DATA, 2)),
        )
    )


def reset_and_claim_of_nothing(anvil: Anvil) -> None:
    """Alice forfeits what is pending, owes a penalty, and settles it by a claim that leaves no log."""
    anvil.mine(calls(("GhostCore", StakeAdded(ALICE, 20 * DATA, 120 * DATA))))
    penalty = 420 * DATA // 4
    jackpot, burned = penalty // 2, penalty * 3 // 10
    anvil.mine(
        calls(
            ("DataToken", Transfer(GHOST_CORE, ALICE, jackpot)),
            ("DataToken", Transfer(GHOST_CORE, DEAD_ADDRESS, burned)),
            ("DataToken", Transfer(GHOST_CORE, TREASURY, penalty - jackpot - burned)),
            ("GhostCore", SystemResetTriggered(penalty, ZERO_ADDRESS, jackpot)),
        )
    )
    anvil.mine("0x372500ab", to=GHOST_CORE)


def test_a_game_on_a_real_node_is_mirrored(connection: Connection[Any], anvil: Anvil) -> None:
    opening(anvil)
    scan_that_kills_bob(anvil)
    reset_and_claim_of_nothing(anvil)
    index(anvil, ADDRESSES)
    state = dump_state(connection)
    assert state["block"] == anvil.head == 9
    alice, bob, carol = (state["players"][who] for who in (ALICE, BOB, CAROL))
    assert (alice["amount"], alice["ghostStreak"], alice["pendingRewards"]) == (str(90 * DATA), 1, "0")
    assert (bob["alive"], bob["amount"], bob["ghostStreak"]) == (False, str(200 * DATA), 0)
    assert carol["pendingRewards"] == str(30 * DATA + 45 * DATA)
    assert state["levels"]["1"]["totalStaked"] == str(390 * DATA)
    assert state["systemReset"]["epoch"] == 2
    assert fetch_one(connection, "SELECT evidence FROM deaths") == "calldata"
    assert fetch_one(connection, "SELECT action FROM positions ORDER BY id DESC LIMIT 1") == "penalty_settled"


def test_blocks_are_followed_as_they_are_mined(connection: Connection[Any], anvil: Anvil) -> None:
    opening(anvil)
    following = threading.Thread(target=index, args=(anvil, ADDRESSES), kwargs={"to_block": 23, "ws": True})
    following.start()
    for number in range(20):
        anvil.mine(calls(("DeadPool", BetPlaced(1, user(number + 10), True, DATA))))
    following.join(30)
    assert not following.is_alive()
    assert len(dump_state(connection)["bets"]) == 20


def test_a_reorg_on_a_real_node_is_undone(databases: Databases, anvil: Anvil) -> None:
    opening(anvil)
    name = databases.make()
    with default_database(name):
        snapshot = anvil.ask(("evm_snapshot", []))[0]
        anvil.mine(calls(("DeadPool", BetPlaced(1, BOB, False, 7 * DATA))))
        anvil.mine(calls(("GhostCore", StakeAdded(CAROL, DATA, 301 * DATA))))
        index(anvil, ADDRESSES)
        anvil.ask(("evm_revert", [snapshot]))
        anvil.mine(calls(("DeadPool", BetPlaced(1, CAROL, True, 9 * DATA))))
        scan_that_kills_bob(anvil)
        watcher = index(anvil, ADDRESSES)
        with connect() as connection:
            digest = state_digest(connection)
            bets = [bet["user"] for bet in dump_state(connection)["bets"]]
    assert [rollback.depth for rollback in watcher.rollbacks] == [2]
    assert bets == [CAROL]
    with default_database(databases.make()), connect() as connection:
        index(anvil, ADDRESSES)
        assert state_digest(connection) == digest

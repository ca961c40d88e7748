"""State at every block: what the views answered is served by number, by hash and through Multicall3, and is pruned."""

import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from eth_abi import abi

from indexer.replay.calls import StateOptions
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import Recording, recording
from tests.indexer.replay.asking import ask, calldata, view
from tests.paths import FIXTURES

MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
LEVEL_STATE = ("getLevelState(uint8)", ["uint256", "uint256", "uint256", "uint64"])
LEVEL_CONFIG = ("getLevelConfig(uint8)", ["uint16", "uint32", "uint256", "uint32", "uint16", "uint16"])
POSITION = ("getPosition(address)", ["uint256", "uint8", "uint64", "uint64", "uint256", "bool", "uint16"])
SYSTEM_RESET = ("getSystemReset()", ["uint64", "address", "uint64", "uint256", "uint16"])
DEPLOYED, RECORDED_FROM = 3, 6


@pytest.fixture(scope="module")
def busy() -> Recording:
    return recording("busy")


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(gzip.decompress((FIXTURES / "busy_state.json.gz").read_bytes()))


@pytest.fixture(scope="module")
def node(busy: Recording) -> Iterator[ReplayServer]:
    with ReplayServer(busy.blocks, truth=busy.truth, state=busy.state) as server:
        yield server


def value_at(changes: list[list[Any]], block: int, before: Any) -> Any:
    """The value that stands after a block in a list of changes, with wei as numbers."""
    found = [values for number, values in changes if number <= block][-1:]
    values = found[0] if found else before
    return tuple(int(v) if isinstance(v, str) and not v.startswith("0x") else v for v in values)


def test_every_view_answers_as_recorded_at_any_block(node: ReplayServer, busy: Recording, document: Any) -> None:
    draw = random.Random(5)
    core = busy.truth.contracts["GhostCore"]
    for block in [RECORDED_FROM, *draw.sample(range(RECORDED_FROM, 1500), 12), 1499]:
        for level in range(1, 6):
            for (signature, types), name in ((LEVEL_STATE, "levels"), (LEVEL_CONFIG, "config")):
                expected = value_at(document[name][str(level)], block, None)
                assert view(node, core, signature, types, hex(block), level) == expected
        for player in draw.sample(sorted(document["positions"]), 8):
            expected = value_at(document["positions"][player], block, (0, 0, 0, 0, 0, False, 0))
            assert view(node, core, *POSITION, hex(block), player) == expected
            assert view(node, core, "isAlive(address)", ["bool"], hex(block), player) == (expected[5],)
        assert view(node, core, *SYSTEM_RESET, hex(block)) == value_at(document["reset"], block, None)
        for name, kind, signature in (("paused", "bool", "paused()"), ("tvl", "uint256", "getTotalValueLocked()")):
            changes = [[number, [value]] for number, value in document[name]]
            assert view(node, core, signature, [kind], hex(block)) == value_at(changes, block, None)


def test_state_and_truth_agree_at_the_checkpoints(node: ReplayServer, busy: Recording) -> None:
    core = busy.truth.contracts["GhostCore"]
    for block, state in busy.truth.checkpoints.items():
        with ReplayServer(busy.blocks, truth=busy.truth) as from_truth:
            for level in range(1, 6):
                asked = (*LEVEL_STATE, hex(int(block)), level)
                assert view(node, core, *asked) == view(from_truth, core, *asked)
            for player in list(state["players"])[:10]:
                asked = (*POSITION, hex(int(block)), player)
                assert view(node, core, *asked) == view(from_truth, core, *asked)


def test_a_block_is_named_by_number_tag_or_hash(node: ReplayServer, busy: Recording) -> None:
    core = busy.truth.contracts["GhostCore"]
    tvl = ("getTotalValueLocked()", ["uint256"])
    at_700 = view(node, core, *tvl, hex(700))
    assert view(node, core, *tvl, {"blockHash": busy.blocks[700].hash}) == at_700
    assert view(node, core, *tvl, {"blockNumber": hex(700)}) == at_700
    assert view(node, core, *tvl, busy.blocks[700].hash) == at_700
    assert view(node, core, *tvl, "latest") == view(node, core, *tvl, hex(1499)) != at_700
    assert view(node, core, *tvl, {"blockHash": "0x" + "77" * 32})["message"] == "header for hash not found"
    assert view(node, core, *tvl, hex(1500))["message"] == "header not found"


def test_there_is_nothing_before_the_contract_and_its_first_state_before_anybody_plays(
    node: ReplayServer, busy: Recording
) -> None:
    core = busy.truth.contracts["GhostCore"]
    data = calldata("getLevelConfig(uint8)", 1)
    assert ask(node, "eth_call", {"to": core, "data": data}, hex(DEPLOYED - 1)) == "0x"
    first = ask(node, "eth_call", {"to": core, "data": data}, hex(RECORDED_FROM))
    assert ask(node, "eth_call", {"to": core, "data": data}, hex(DEPLOYED)) == first != "0x"


def test_what_is_not_recorded_reverts_and_an_account_without_code_returns_nothing(
    node: ReplayServer, busy: Recording
) -> None:
    core = busy.truth.contracts["GhostCore"]
    unknown = ask(node, "eth_call", {"to": core, "input": "0x12345678"}, hex(700))
    assert (unknown["code"], unknown["message"], unknown["data"]) == (3, "execution reverted", "0x")
    assert ask(node, "eth_call", {"to": "0x" + "12" * 20, "data": "0x12345678"}, hex(700)) == "0x"


def test_multicall_makes_the_calls_at_the_same_block(node: ReplayServer, busy: Recording) -> None:
    core = busy.truth.contracts["GhostCore"]
    levels = [bytes.fromhex(calldata("getLevelState(uint8)", level)[2:]) for level in range(1, 6)]
    asked = [(core, False, data) for data in levels]
    for block in (100, 1112):
        (results,) = view(node, MULTICALL3, "aggregate3((address,bool,bytes)[])", ["(bool,bytes)[]"], hex(block), asked)
        for level, (success, returned) in enumerate(results, 1):
            assert success
            assert abi.decode(LEVEL_STATE[1], returned) == view(node, core, *LEVEL_STATE, hex(block), level)
    assert ask(node, "eth_getCode", MULTICALL3, "latest") != "0x"


def test_multicall_reports_which_call_failed_or_fails_as_a_whole(node: ReplayServer, busy: Recording) -> None:
    core = busy.truth.contracts["GhostCore"]
    good, bad = bytes.fromhex(calldata("paused()")[2:]), b"\x12\x34\x56\x78"
    signature, types = "aggregate3((address,bool,bytes)[])", ["(bool,bytes)[]"]
    (results,) = view(node, MULTICALL3, signature, types, hex(700), [(core, True, bad), (core, True, good)])
    assert results == ((False, b""), (True, bytes(32)))
    failed = view(node, MULTICALL3, signature, types, hex(700), [(core, True, good), (core, False, bad)])
    assert (failed["code"], failed["message"]) == (3, "execution reverted: Multicall3: call failed")


def test_multicall_returns_the_block_at_which_it_was_called(node: ReplayServer, busy: Recording) -> None:
    place = {"blockHash": busy.blocks[700].hash}
    assert view(node, MULTICALL3, "getBlockNumber()", ["uint256"], place) == (700,)
    timestamp = view(node, MULTICALL3, "getCurrentBlockTimestamp()", ["uint256"], place)
    assert timestamp == (busy.blocks[700].timestamp,)
    hashes = {
        number: view(node, MULTICALL3, "getBlockHash(uint256)", ["bytes32"], place, number)[0].hex()
        for number in (400, 650, 700)
    }
    assert hashes == {400: "00" * 32, 650: busy.blocks[650].hash[2:], 700: "00" * 32}


def test_a_node_without_multicall(busy: Recording) -> None:
    options = ReplayOptions(state=StateOptions(multicall=False))
    with ReplayServer(busy.blocks, options, state=busy.state) as server:
        assert ask(server, "eth_getCode", MULTICALL3, "latest") == "0x"
        assert ask(server, "eth_call", {"to": MULTICALL3, "data": calldata("getBlockNumber()")}, "latest") == "0x"


def test_state_further_below_the_head_is_gone(busy: Recording) -> None:
    options = ReplayOptions(head=1000, state=StateOptions(prune=128))
    core = busy.truth.contracts["GhostCore"]
    with ReplayServer(busy.blocks, options, state=busy.state) as server:
        assert isinstance(view(server, core, "paused()", ["bool"], hex(872)), tuple)
        for to, data in ((core, calldata("paused()")), (MULTICALL3, calldata("getBlockNumber()"))):
            refused = ask(server, "eth_call", {"to": to, "data": data}, hex(871))
            assert (refused["code"], refused["message"][:18]) == (-32000, "missing trie node ")
        server.advance()
        assert ask(server, "eth_call", {"to": core, "data": calldata("paused()")}, hex(872))["code"] == -32000


def test_state_that_is_gone_can_be_answered_with_nothing(busy: Recording) -> None:
    options = ReplayOptions(state=StateOptions(prune=10, pruned_empty=True))
    with ReplayServer(busy.blocks, options, state=busy.state) as server:
        asked = {"to": busy.truth.contracts["GhostCore"], "data": calldata("paused()")}
        assert ask(server, "eth_call", asked, hex(1488)) == "0x"
        assert ask(server, "eth_call", asked, hex(1489)) == "0x" + "00" * 32


def test_there_is_no_state_of_a_fork(busy: Recording) -> None:
    with ReplayServer(busy.blocks, ReplayOptions(head=1000), state=busy.state) as server:
        asked = {"to": busy.truth.contracts["GhostCore"], "data": calldata("paused()")}
        dropped = server.chain.blocks[-1].hash
        server.reorg(3)
        assert "missing trie node" in ask(server, "eth_call", asked, "latest")["message"]
        assert ask(server, "eth_call", asked, {"blockHash": dropped})["message"] == "header for hash not found"
        assert isinstance(ask(server, "eth_call", asked, hex(997)), str)


def test_answers_that_were_made_before_they_were_asked_for_are_the_same(busy: Recording) -> None:
    options = ReplayOptions(head=700, state=StateOptions(prune=0))
    call = {"to": busy.truth.contracts["GhostCore"], "data": calldata("getLevelState(uint8)", 1)}
    seen = set()
    with (
        ReplayServer(busy.blocks, options, state=busy.state) as prepared,
        ReplayServer(busy.blocks, options, state=busy.state) as plain,
    ):
        for _ in range(20):
            answers = []
            for server in (prepared, plain):
                server._methods.answer("eth_call", [call, "latest"])
                server.chain.advance()
                if server is prepared:
                    server._methods.prepare()
                with pytest.raises(Refusal):
                    server._methods.answer("eth_call", [call, hex(server.chain.head - 1)])
                answers.append(server._methods.answer("eth_call", [call, "latest"]))
            assert answers[0] == answers[1]
            seen.add(answers[0])
    assert len(seen) > 1

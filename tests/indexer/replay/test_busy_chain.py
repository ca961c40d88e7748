"""Other people's transactions and empty blocks leave the recorded chain's own data unchanged."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from indexer.replay.calls import StateOptions
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import Recording, recording
from tests.indexer.replay.asking import ask, calldata

FOREIGN, STRETCH = 40, 7


@pytest.fixture(scope="module")
def traps() -> Recording:
    return recording("traps")


@pytest.fixture(scope="module")
def crowded(traps: Recording) -> Iterator[ReplayServer]:
    with ReplayServer(traps.blocks, ReplayOptions(foreign=FOREIGN)) as server:
        yield server


@pytest.fixture(scope="module")
def stretched(traps: Recording) -> Iterator[ReplayServer]:
    with ReplayServer(traps.blocks, ReplayOptions(stretch=STRETCH), traps.truth, traps.state) as server:
        yield server


def test_foreign_transactions_follow_the_recorded_ones_in_every_block(crowded: ReplayServer, traps: Recording) -> None:
    seen = set()
    for number, recorded in enumerate(traps.blocks):
        block = ask(crowded, "eth_getBlockByNumber", hex(number), True)
        transactions = block["transactions"]
        own = [transaction.hash for transaction in recorded.txs]
        assert [transaction["hash"] for transaction in transactions[: len(own)]] == own
        assert len(transactions) == len(own) + FOREIGN
        for index, transaction in enumerate(transactions):
            place = (transaction["blockHash"], transaction["blockNumber"], transaction["transactionIndex"])
            assert place == (recorded.hash, hex(number), hex(index))
            assert transaction["hash"] not in seen
            assert len(transaction["hash"]) == 66
            seen.add(transaction["hash"])
        hashes = ask(crowded, "eth_getBlockByHash", recorded.hash, False)["transactions"]
        assert hashes == [transaction["hash"] for transaction in transactions]
        assert ask(crowded, "eth_getBlockTransactionCountByNumber", hex(number)) == hex(len(transactions))
        receipts = ask(crowded, "eth_getBlockReceipts", hex(number))
        assert [receipt["transactionHash"] for receipt in receipts] == hashes


def test_foreign_transactions_change_no_log(crowded: ReplayServer, traps: Recording) -> None:
    everything = {"fromBlock": "0x0", "toBlock": "latest"}
    with ReplayServer(traps.blocks) as server:
        assert ask(crowded, "eth_getLogs", everything) == ask(server, "eth_getLogs", everything) != []


def test_recorded_blocks_stand_at_multiples_with_empty_ones_between(stretched: ReplayServer, traps: Recording) -> None:
    assert ask(stretched, "eth_blockNumber") == hex(89 * STRETCH)
    blocks = [ask(stretched, "eth_getBlockByNumber", hex(number), True) for number in range(89 * STRETCH + 1)]
    assert [block["hash"] for block in blocks[::STRETCH]] == [block.hash for block in traps.blocks]
    for before, block in pairwise(blocks):
        assert block["parentHash"] == before["hash"]
        assert int(block["timestamp"], 16) >= int(before["timestamp"], 16)
    for number, block in enumerate(blocks):
        assert int(block["number"], 16) == number
        assert not (number % STRETCH and block["transactions"])
        assert ask(stretched, "eth_getBlockByHash", block["hash"], True) == block
    assert len({block["hash"] for block in blocks}) == len(blocks)


def test_logs_move_with_their_blocks(stretched: ReplayServer, traps: Recording) -> None:
    def moved(log: dict[str, Any]) -> dict[str, Any]:
        return {**log, "blockNumber": hex(int(log["blockNumber"], 16) * STRETCH)}

    with ReplayServer(traps.blocks) as server:
        for first, last in ((0, 89), (20, 40), (30, 30)):
            recorded = ask(server, "eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last)})
            asked = {"fromBlock": hex(first * STRETCH), "toBlock": hex(last * STRETCH)}
            assert ask(stretched, "eth_getLogs", asked) == [moved(log) for log in recorded] != []
    assert ask(stretched, "eth_getLogs", {"fromBlock": hex(30 * STRETCH + 1), "toBlock": hex(31 * STRETCH - 1)}) == []


def test_an_empty_block_has_the_state_of_the_recorded_one_before_it(stretched: ReplayServer, traps: Recording) -> None:
    data = {"to": traps.truth.contracts["GhostCore"], "data": calldata("getTotalValueLocked()")}
    with ReplayServer(traps.blocks, state=traps.state) as server:
        for number in (6, 20, 33, 66, 88):
            recorded = ask(server, "eth_call", data, hex(number))
            assert ask(stretched, "eth_call", data, hex(number * STRETCH)) == recorded
            empty = ask(stretched, "eth_getBlockByNumber", hex(number * STRETCH + STRETCH - 1), False)
            assert ask(stretched, "eth_call", data, {"blockHash": empty["hash"]}) == recorded


def test_forks_and_the_head_move_over_empty_blocks(traps: Recording) -> None:
    options = ReplayOptions(stretch=5, head=203, state=StateOptions(multicall=False))
    with ReplayServer(traps.blocks, options, state=traps.state) as server:
        assert ask(server, "eth_blockNumber") == hex(203)
        before = [block.hash for block in server.chain.blocks]
        server.advance(3)
        server.fork(9, 11)
        assert server.chain.head == 208
        forked = [block.hash for block in server.chain.blocks]
        assert forked[:198] == before[:198]
        assert not set(forked[198:]) & set(before)
        assert ask(server, "eth_getBlockByHash", before[201], False) is None
        server.restore_recorded(209)
        chain = [ask(server, "eth_getBlockByNumber", hex(number), False) for number in range(190, 210)]
        assert [block["hash"] for block in chain[:14]] == before[190:]
        assert all(block["parentHash"] == parent["hash"] for parent, block in pairwise(chain))


def test_a_million_blocks_are_ready_at_once_and_any_can_be_asked_for(traps: Recording) -> None:
    with ReplayServer(traps.blocks, ReplayOptions(stretch=12_000)) as server:
        head = 89 * 12_000
        assert ask(server, "eth_blockNumber") == hex(head)
        for number in random.Random(3).sample(range(1, head), 20):
            block = ask(server, "eth_getBlockByNumber", hex(number), False)
            parent = ask(server, "eth_getBlockByHash", block["parentHash"], False)
            assert int(parent["number"], 16) == number - 1
        logs = ask(server, "eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(head)})
        assert len(logs) == 188
        assert len(list(server.chain.blocks.kept(0, head))) == 90


def test_logs_without_the_time_of_their_block(traps: Recording) -> None:
    everything = {"fromBlock": "0x0", "toBlock": "latest"}
    with ReplayServer(traps.blocks, ReplayOptions(log_timestamps=False)) as server:
        assert all("blockTimestamp" not in log for log in ask(server, "eth_getLogs", everything))
    with ReplayServer(traps.blocks) as server:
        log = ask(server, "eth_getLogs", everything)[-1]
    assert int(log["blockTimestamp"], 16) == traps.blocks[int(log["blockNumber"], 16)].timestamp

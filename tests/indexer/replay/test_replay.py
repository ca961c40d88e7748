"""The replay node: it serves the recorded chain, and answers views with the recorded truth."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from websockets.asyncio.client import connect

from indexer.replay.limits import Limits
from indexer.replay.recording import BadRecording, RecordedBlock, load_recording
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from tests.indexer.replay.asking import ask, view


def test_logs_blocks_and_receipts_agree(season: list[RecordedBlock]) -> None:
    with ReplayServer(season) as server:
        block = ask(server, "eth_getBlockByNumber", hex(500), True)
        logs = ask(server, "eth_getLogs", {"fromBlock": hex(500), "toBlock": hex(500)})
        assert logs == ask(server, "eth_getLogs", {"blockHash": block["hash"]})
        receipts = ask(server, "eth_getBlockReceipts", hex(500))
        assert [log for receipt in receipts for log in receipt["logs"]] == logs
        assert [transaction["hash"] for transaction in block["transactions"]] == [
            receipt["transactionHash"] for receipt in receipts
        ]
        assert {log["blockHash"] for log in logs} == {season[500].hash}
        assert [ask(server, "eth_getTransactionReceipt", one["hash"]) for one in block["transactions"]] == receipts


def test_filters_choose_by_address_and_topics(season: list[RecordedBlock], truth: Truth) -> None:
    transfer = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
    span = {"fromBlock": "0x0", "toBlock": hex(1007)}
    with ReplayServer(season) as server:
        token = truth.contracts["DataToken"]
        logs = ask(server, "eth_getLogs", {**span, "address": [token], "topics": [[transfer]]})
    recorded = [
        log
        for block in season
        for transaction in block.txs
        for log in transaction.logs
        if log.address == token and log.topics[:1] == [transfer]
    ]
    assert len(logs) == len(recorded) == 5439


def test_limits_are_refused_as_nodes_refuse_them(season: list[RecordedBlock]) -> None:
    limits = Limits(max_range=100, max_results=50, strict_head=True)
    with ReplayServer(season, ReplayOptions(limits=limits)) as server:
        wide = ask(server, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x64"})
        many = ask(server, "eth_getLogs", {"fromBlock": hex(400), "toBlock": hex(450)})
        beyond = ask(server, "eth_getLogs", {"fromBlock": hex(1007), "toBlock": hex(1010)})
        unknown = ask(server, "debug_traceTransaction", "0x00")
    assert "too wide" in wide["message"]
    assert (many["code"], "more than 50 results" in many["message"]) == (-32005, True)
    assert "beyond current head" in beyond["message"]
    assert unknown["code"] == -32601


def test_views_are_answered_where_the_truth_is_recorded(season: list[RecordedBlock], truth: Truth) -> None:
    core, pool = truth.contracts["GhostCore"], truth.contracts["DeadPool"]
    state = truth.checkpoints["314"]
    with ReplayServer(season, truth=truth) as server:
        for address, player in list(state["players"].items())[:20]:
            types = ["uint256", "uint8", "uint64", "uint64", "uint256", "bool", "uint16"]
            position = view(server, core, "getPosition(address)", types, hex(314), address)
            assert position[:2] == (int(player["amount"]), player["level"])
            assert position[6] == player["ghostStreak"]
        assert view(server, core, "getTotalValueLocked()", ["uint256"], hex(314)) == (int(state["totalValueLocked"]),)
        assert view(server, pool, "roundCount()", ["uint256"], hex(314)) == (state["roundCount"],)
        refused = view(server, core, "getTotalValueLocked()", ["uint256"], hex(315))
        assert "not recorded" in refused["message"]


def test_a_reorg_is_announced_by_removed_logs_and_new_heads(season: list[RecordedBlock]) -> None:
    async def listen(server: ReplayServer) -> tuple[list[Any], list[Any]]:
        async with connect(server.ws_url, close_timeout=0.5) as socket:
            for request_id, name in ((1, "newHeads"), (2, "logs")):
                params = [name] if name == "newHeads" else [name, {}]
                await socket.send(json.dumps({"id": request_id, "method": "eth_subscribe", "params": params}))
            subscriptions = [json.loads(await socket.recv())["result"] for _ in range(2)]
            await asyncio.to_thread(server.reorg, 2)
            heads: list[Any] = []
            logs: list[Any] = []
            while len(heads) < 2:
                message = json.loads(await asyncio.wait_for(socket.recv(), 30))["params"]
                (heads if message["subscription"] == subscriptions[0] else logs).append(message["result"])
            return heads, logs

    with ReplayServer(season, ReplayOptions(head=500)) as server:
        dropped = {season[499].hash, season[500].hash}
        heads, logs = asyncio.run(listen(server))
    assert [int(head["number"], 16) for head in heads] == [499, 500]
    assert heads[1]["parentHash"] == heads[0]["hash"]
    assert not dropped & {head["hash"] for head in heads}
    removed = [log for log in logs if log["removed"]]
    assert {log["blockHash"] for log in removed} <= dropped
    assert removed


def test_a_held_head_stands_until_it_is_started_and_the_end_is_known(season: list[RecordedBlock]) -> None:
    options = ReplayOptions(head=1000, blocks_per_second=10_000, hold=True)
    with ReplayServer(season, options) as server:
        assert ask(server, "eth_blockNumber") == ask(server, "eth_blockNumber") == hex(1000)
        assert not server.ended.is_set()
        assert ask(server, "replay_start") is True
        assert server.ended.wait(20)
        assert ask(server, "eth_blockNumber") == hex(1007)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no block"),
        ("{}", "line 1"),
        ('{"number":1,"hash":"0x","parentHash":"0x","timestamp":1}', "does not follow"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "chain.jsonl"
    path.write_text(content + "\n" if content else "")
    with pytest.raises(BadRecording, match=says):
        load_recording(path)

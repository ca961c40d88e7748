"""The subscription to logs of the open block, as nodes word what they send, and as those answer that have none."""

import asyncio
import json
import logging
from typing import Any

import pytest

from indexer.chain.client import NodeClient
from indexer.chain.preconfirmed import REQUEST_ID, PreconfirmedLogs, PreconfirmedTransaction, Realtime
from tests.chains import ADDRESSES

SUBSCRIPTION = "0x9ce59a13059e417087c02d3236a0b1cc"
Fields = dict[str, Any]


def log(number: int, transaction: int = 1, **fields: Any) -> Fields:
    """A log of an open block as go-ethereum would word it."""
    plain = {
        "address": ADDRESSES["DataToken"],
        "topics": ["0x" + "ab" * 32],
        "data": "0x",
        "blockNumber": "0x10",
        "blockHash": None,
        "transactionHash": f"0x{transaction:064x}",
        "transactionIndex": hex(transaction),
        "logIndex": hex(number),
        "removed": False,
    }
    return plain | fields


def notification(result: Fields, subscription: str = SUBSCRIPTION) -> str:
    params = {"subscription": subscription, "result": result}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})


def answer(**fields: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": REQUEST_ID, **fields})


def received(*messages: str, realtime: Realtime = Realtime.AUTO) -> tuple[list[PreconfirmedTransaction], list[bool]]:
    """What is handed over after these messages, and which of them were taken."""
    found: list[PreconfirmedTransaction] = []

    async def run() -> list[bool]:
        logs = PreconfirmedLogs(NodeClient(["http://127.0.0.1:9"]), ADDRESSES, realtime)
        logs.hand_over = found.append
        taken = [logs.takes(message) for message in messages]
        work = asyncio.create_task(logs.run())
        for _ in range(20):  # as many turns as a complete transaction may need
            await asyncio.sleep(0.001)
        work.cancel()
        return taken

    return found, asyncio.run(run())


def test_logs_are_handed_over_by_transaction() -> None:
    (one, two), taken = received(
        answer(result=SUBSCRIPTION), *map(notification, [log(3), log(4), log(7, transaction=2)])
    )
    assert taken == [True] * 4
    assert (one.block_number, one.timestamp, [entry.log_index for entry in one.logs]) == (16, None, ["0x3", "0x4"])
    assert [entry.log_index for entry in two.logs] == ["0x7"]


@pytest.mark.parametrize(
    "spelled",
    [
        log(3, blockNumber=16, logIndex=3, transactionIndex=1),
        log(3, blockHash="0x" + "0" * 64, blockTimestamp="0x5"),
        {name: value for name, value in log(3).items() if name not in ("blockHash", "removed")},
        log(3, address=ADDRESSES["DataToken"].upper().replace("0X", "0x"), topics=["0x" + "AB" * 32]),
    ],
    ids=["integers", "a hash of zeros", "fields left out", "capitals"],
)
def test_however_a_node_words_them(spelled: Fields) -> None:
    ((transaction,), _) = received(answer(result=SUBSCRIPTION), notification(spelled))
    (entry,) = transaction.logs
    assert transaction.block_number == 16
    assert (entry.address, entry.topics, int(entry.log_index, 16)) == (ADDRESSES["DataToken"], ["0x" + "ab" * 32], 3)


@pytest.mark.parametrize(
    "fields", [{"blockHash": "0x" + "1" * 64}, {"removed": True}, {"logIndex": "many"}, {"topics": 5}]
)
def test_logs_of_sealed_blocks_and_what_is_no_log_are_left(fields: Fields) -> None:
    found, taken = received(answer(result=SUBSCRIPTION), notification(log(3, **fields)))
    assert (found, taken) == ([], [True, True])


def test_what_belongs_to_other_subscriptions_is_not_taken() -> None:
    head = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x1"})
    found, taken = received(head, answer(result=SUBSCRIPTION), notification(log(3), "0x1"))
    assert (found, taken) == ([], [False, True, False])


def test_where_it_is_off_nothing_is_taken() -> None:
    found, taken = received(answer(result=SUBSCRIPTION), notification(log(3)), realtime=Realtime.OFF)
    assert (found, taken) == ([], [False, False])


@pytest.mark.parametrize(("realtime", "level"), [(Realtime.AUTO, logging.INFO), (Realtime.ON, logging.WARNING)])
def test_a_node_without_it_is_noted_once(caplog: pytest.LogCaptureFixture, realtime: Realtime, level: int) -> None:
    caplog.set_level(logging.INFO, "indexer.chain.preconfirmed")
    refused = answer(error={"code": -32602, "message": "pending logs are not supported"})
    assert received(refused, refused, realtime=realtime) == ([], [True, True])
    (record,) = [record for record in caplog.records if record.name == "indexer.chain.preconfirmed"]
    assert record.levelno == level
    assert "pending logs are not supported" in record.getMessage()

"""The subscription to logs of the open block: the messages of nodes that have it, and the refusals of others."""

import asyncio
import json
import logging
from typing import Any

import pytest

from indexer.chain.client import NodeClient
from indexer.chain.preconfirmed import PreconfirmedLogs, PreconfirmedMode, PreconfirmedTransaction
from indexer.chain.socket_messages import RequestId, parse_message
from indexer.decode.decoder import topic0_of
from tests.chains import ADDRESSES
from tests.indexer.chain.hand_made import HandMadeNode, asked, each

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
    return json.dumps({"jsonrpc": "2.0", "id": int(RequestId.PRECONFIRMED), **fields})


def received(
    *messages: str, mode: PreconfirmedMode = PreconfirmedMode.AUTO
) -> tuple[list[PreconfirmedTransaction], list[bool]]:
    """What is handed over after these messages, and which of them were taken."""
    found: list[PreconfirmedTransaction] = []

    async def run() -> list[bool]:
        logs = PreconfirmedLogs(NodeClient(["http://127.0.0.1:9"]), ADDRESSES, mode, found.append)
        taken = [logs.takes(parse_message(message)) for message in messages]
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


def test_a_transaction_is_complete_once_its_block_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.chain.preconfirmed.QUIET_SECONDS", 3_600)
    found: list[PreconfirmedTransaction] = []

    async def counts() -> list[int]:
        logs = PreconfirmedLogs(NodeClient(["http://127.0.0.1:9"]), ADDRESSES, PreconfirmedMode.AUTO, found.append)
        for message in (answer(result=SUBSCRIPTION), notification(log(3)), notification({"number": "0x10"}, "0x1")):
            logs.takes(parse_message(message))
        found_by = []
        for number in (15, 16, 17):
            logs.end_block(number)
            found_by.append(len(found))
        return found_by

    assert asyncio.run(counts()) == [0, 1, 1]


def test_where_it_is_off_nothing_is_taken() -> None:
    found, taken = received(answer(result=SUBSCRIPTION), notification(log(3)), mode=PreconfirmedMode.OFF)
    assert (found, taken) == ([], [False, False])


@pytest.mark.parametrize(
    ("mode", "level"), [(PreconfirmedMode.AUTO, logging.INFO), (PreconfirmedMode.ON, logging.WARNING)]
)
def test_a_node_without_it_is_noted_once(caplog: pytest.LogCaptureFixture, mode: PreconfirmedMode, level: int) -> None:
    caplog.set_level(logging.INFO, "indexer.chain.preconfirmed")
    refused = answer(error={"code": -32602, "message": "pending logs are not supported"})
    assert received(refused, refused, mode=mode) == ([], [True, True])
    (record,) = [record for record in caplog.records if record.name == "indexer.chain.preconfirmed"]
    assert record.levelno == level
    assert "pending logs are not supported" in record.getMessage()


def transaction(number: int, calldata: str = "0x1234") -> Fields:
    """A transaction of an open block."""
    return {
        "hash": f"0x{number:064x}",
        "from": "0x" + "AB" * 20,
        "to": "0x" + "cd" * 20,
        "input": calldata,
        "transactionIndex": hex(number),
        "blockHash": None,
    }


def receipt(*logs: Fields) -> Fields:
    return {"status": "0x1", "blockHash": None, "logs": [*logs]}


AS_SEEN = {"number": 1600, "timestamp": 1_800_000_000_123_456, "block_number": 16, "block_timestamp": 1_800_000_000}
AS_DOCUMENTED = {"mini_block_number": "0x640", "block_number": "0x10", "block_timestamp": "0x6b49d200"}


@pytest.mark.parametrize("head", [AS_SEEN, AS_DOCUMENTED], ids=["seen", "documented"])
def test_whole_mini_blocks_bring_our_transactions_and_the_calldata_of_deaths(head: Fields) -> None:
    deaths = topic0_of("TraceScan", "DeathsSubmitted")
    mini_block = {
        **head,
        "index": 3,
        "gas_used": 21_000,
        "transactions": [transaction(1), transaction(2), transaction(3, "0xDEAD")],
        "receipts": [
            receipt(log(0, 1), log(1, 1, address="0x" + "99" * 20)),
            receipt(log(2, 2, address="0x" + "99" * 20)),
            receipt(log(3, 3, address=ADDRESSES["TraceScan"], topics=[deaths])),
        ],
    }
    found, taken = received(answer(result=SUBSCRIPTION), notification(mini_block), mode=PreconfirmedMode.MINI_BLOCKS)
    assert taken == [True, True]
    assert [(one.block_number, one.timestamp) for one in found] == [(16, 1_800_000_000)] * 2
    assert [[int(each.log_index, 16) for each in one.logs] for one in found] == [[0], [3]]
    assert [[each.input for each in one.transactions] for one in found] == [[], ["0xdead"]]


def test_transactions_keep_their_order_though_the_calldata_of_one_is_waited_for() -> None:
    deaths = log(0, 1, address=ADDRESSES["TraceScan"], topics=[topic0_of("TraceScan", "DeathsSubmitted")])
    messages = [answer(result=SUBSCRIPTION), *map(notification, [log(0, 3), deaths, log(1, 2), log(2, 4)])]

    async def work(client: NodeClient) -> list[PreconfirmedTransaction]:
        handed_over = asyncio.Queue[PreconfirmedTransaction]()
        logs = PreconfirmedLogs(client, ADDRESSES, PreconfirmedMode.AUTO, handed_over.put_nowait)
        for message in messages:
            logs.takes(parse_message(message))
        found = [handed_over.get_nowait()]
        assert handed_over.empty()
        running = asyncio.create_task(logs.run())
        found += [await handed_over.get() for _ in range(3)]
        logs.takes(parse_message(notification(log(3, 5))))
        logs.takes(parse_message(notification(log(4, 6))))
        found.append(handed_over.get_nowait())
        running.cancel()
        return found

    found = asked([HandMadeNode(otherwise=each(lambda call: {"result": transaction(1, "0xdead")}))], work)
    assert [int(one.hash, 16) for one in found] == [3, 1, 2, 4, 5]
    assert [[entry.input for entry in one.transactions] for one in found] == [[], ["0xdead"], [], [], []]


def test_a_mini_block_that_cannot_be_read_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    messages = [answer(result=SUBSCRIPTION), *[notification({"receipts": "none"})] * 2]
    assert received(*messages, mode=PreconfirmedMode.MINI_BLOCKS) == ([], [True] * 3)
    assert caplog.text.count("can't be read") == 1

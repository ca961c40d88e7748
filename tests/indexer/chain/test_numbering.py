"""Nodes that number logs and transactions in their own way are recognised, and not queried for ever."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from msgspec import structs

from indexer.chain import consistency
from indexer.chain.errors import Inconsistent, Misnumbered, WrongNumbers
from indexer.chain.numbering import check_logs
from indexer.chain.rpc_types import WireLog
from indexer.domain.chain import Header
from indexer.domain.units import Hash
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.chains import ChainBuilder, user
from tests.indexer.chain.altered import AlteredServer, Change
from tests.indexer.chain.ways import BY_HASH, BY_RANGE, IN_FULL, WAYS, fetch


def in_logs(change: Callable[[list[Any]], None]) -> Change:
    """Changes the lists of logs."""

    def changed(method: str, result: bytes) -> bytes:
        if method != "eth_getLogs":
            return result
        logs = json.loads(result)
        change(logs)
        return json.dumps(logs).encode()

    return changed


def shifted(logs: list[Any]) -> None:
    for log in logs:
        log["transactionIndex"] = hex(int(log["transactionIndex"], 16) + 1)


def the_same(logs: list[Any]) -> None:
    for log in logs:
        log["transactionIndex"] = "0x0"


def by_transaction(logs: list[Any]) -> None:
    seen: dict[str, int] = {}
    for log in logs:
        log["logIndex"] = hex(seen.setdefault(log["transactionHash"], 0))
        seen[log["transactionHash"]] += 1


def chain() -> list[RecordedBlock]:
    """Two transactions with logs in one block."""
    building = ChainBuilder()
    building.deploy()
    building.jack_in(user(1), 10**19, 1)
    logs = building.blocks[-1].txs[0].logs
    building.block(building.transaction(logs=logs), building.transaction(logs=logs))
    return building.blocks


CASES: list[Callable[[list[Any]], None]] = [shifted, the_same, by_transaction]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", CASES)
def test_numbers_of_its_own_are_an_error_with_help_after_a_few_tries(
    way: str, change: Callable[[list[Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    blocks = chain()
    with AlteredServer(blocks, in_logs(change)) as server:
        with pytest.raises(WrongNumbers) as raised:
            fetch([server.url], 0, blocks[-1].number, way)
        assert "GHOSTNET_RPC_URLS" in str(raised.value)
        assert server.methods.count("eth_getLogs") <= 6 * len(blocks)


def moved(method: str, result: bytes) -> bytes:
    """A transaction that stands elsewhere since a reorg, as nodes say that still have the logs of the block before."""
    if method != "eth_getTransactionByHash":
        return result
    return json.dumps({**json.loads(result), "blockHash": "0x" + "ee" * 32, "transactionIndex": "0x7"}).encode()


@pytest.mark.parametrize("way", [BY_RANGE, BY_HASH])
def test_a_transaction_that_a_reorg_has_moved_is_not_taken_for_a_wrong_number(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    blocks = chain()
    with AlteredServer(blocks, moved) as server, pytest.raises(Inconsistent, match="is not of block"):
        fetch([server.url], 0, blocks[-1].number, way)


Place = tuple[str, int, int]
"""Of a log: its transaction's hash and index, and its own index."""


@pytest.mark.parametrize(
    ("places", "kind"),
    [
        ([("0xa", 0, 0), ("0xa", 0, 1), ("0xb", 3, 7)], None),
        ([], None),
        ([("0xa", 0, 1), ("0xa", 0, 0)], Inconsistent),
        ([("0xa", 0, 0), ("0xa", 0, 0)], Inconsistent),
        ([("0xa", 0, 0), ("0xb", 1, 0)], Misnumbered),
        ([("0xa", 0, 0), ("0xa", 1, 1)], Misnumbered),
        ([("0xa", 0, 0), ("0xb", 0, 1)], Misnumbered),
        ([("0xa", 1, 0), ("0xb", 0, 1)], Misnumbered),
        ([("0xa", 0, 0), ("0xb", 1, 1), ("0xa", 2, 2)], Misnumbered),
        ([("0xa", 0, 0), ("0xb", 1, 1 << 23)], Misnumbered),
        ([("0xa", 1 << 23, 0)], Misnumbered),
    ],
)
def test_logs_stand_in_the_order_of_their_numbers(places: list[Place], kind: type[Exception] | None) -> None:
    header = Header(5, Hash("0x05"), Hash("0x04"), 1_000)
    logs = [WireLog("0x1", [], "0x", header.hash, tx, hex(at), hex(index), "0x5") for tx, at, index in places]
    if kind is None:
        check_logs(logs, header)
    else:
        with pytest.raises(kind) as raised:
            check_logs(logs, header)
        assert type(raised.value) is kind
    for change in ({"block_hash": "0x06"}, {"removed": True}):
        altered = [*logs[:-1], *(structs.replace(log, **change) for log in logs[-1:])]
        with pytest.raises(Inconsistent) if logs else nullcontext():
            check_logs(altered, header)


@pytest.mark.parametrize("way", [BY_RANGE, BY_HASH, IN_FULL])
def test_the_next_node_is_asked_instead(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.002)
    blocks = chain()
    with AlteredServer(blocks, in_logs(shifted)) as wrong, ReplayServer(blocks) as right:
        fetched = fetch([wrong.url, right.url], 0, blocks[-1].number, way)
        assert fetched == fetch([right.url], 0, blocks[-1].number, way)

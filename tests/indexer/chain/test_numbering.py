"""Nodes that number logs and transactions in their own way: they are recognised, and not asked for ever."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from indexer.chain import fetcher
from indexer.chain.errors import WrongNumbers
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
    monkeypatch.setattr(fetcher, "_FIRST_PAUSE", 0.002)
    blocks = chain()
    with AlteredServer(blocks, in_logs(change)) as server:
        with pytest.raises(WrongNumbers) as raised:
            fetch([server.url], 0, blocks[-1].number, way)
        assert "GHOSTNET_RPC_URLS" in str(raised.value)
        assert server.methods.count("eth_getLogs") <= 6 * len(blocks)


@pytest.mark.parametrize("way", [BY_RANGE, BY_HASH, IN_FULL])
def test_the_next_node_is_asked_instead(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "_FIRST_PAUSE", 0.002)
    blocks = chain()
    with AlteredServer(blocks, in_logs(shifted)) as wrong, ReplayServer(blocks) as right:
        fetched = fetch([wrong.url, right.url], 0, blocks[-1].number, way)
        assert fetched == fetch([right.url], 0, blocks[-1].number, way)

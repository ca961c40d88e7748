"""What the producer does about a block whose answers never fit together."""

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import pytest
from aiohttp import web

from indexer.chain import consistency, producer
from indexer.chain.errors import Inconsistent
from indexer.chain.options import SourceOptions
from indexer.chain.source import BlockSource
from indexer.chain.state_availability import RECENT_BLOCKS
from indexer.domain.units import Hash
from indexer.replay.recording import RecordedBlock
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ADDRESSES, START, ChainBuilder, user
from tests.contract_state import state_of

CREATED: Final = 150
"""The block in which the contracts are created, where it is not the first."""


class TakingBackServer(ReplayServer):
    """A node that says of block 2's logs that they were removed: in ranges, or also when asked by hash."""

    by_hash = False

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if method != "eth_getLogs" or not (self.by_hash or "fromBlock" in params[0]):
            return answer
        logs = json.loads(answer)
        return json.dumps([{**log, "removed": log["blockNumber"] == "0x2"} for log in logs]).encode()


def chain() -> list[RecordedBlock]:
    building = ChainBuilder()
    building.deploy()
    for number in range(10):
        building.jack_in(user(number + 1), 10**19, 1)
    return building.blocks


def reached(*, by_hash: bool) -> int:
    """The last block of a chain that is handed over. Raises what ends the fetching."""
    with TakingBackServer(chain()) as node:
        node.by_hash = by_hash
        return last_of(node)


def last_of(node: ReplayServer) -> int:
    """The last block of a node that is handed over. Raises what ends the fetching."""
    last = -1
    source = BlockSource(SourceOptions([node.url], None, 6343, ADDRESSES, poll_interval=0.02))
    try:
        source.open()
        source.start(0, None)
        while last < node.chain.head:
            fetched = source.next(30.0)
            assert fetched is not None
            last = fetched.last.number
        return last
    finally:
        source.stop()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(producer, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(producer, "MAX_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(producer, "MAX_INCONSISTENT_TRIES", 3)


def test_a_block_that_is_wrong_in_ranges_only_is_read_alone() -> None:
    assert reached(by_hash=False) == 11


def test_blocks_with_all_transactions_are_read_by_their_hashes_where_their_range_does_not_fit_together() -> None:
    blocks = chain()
    with TakingBackServer(blocks) as node:
        source = BlockSource(SourceOptions([node.url], None, 6343, ADDRESSES, poll_interval=0.02))
        try:
            source.open()
            fetched = source.fetch_full(0, 5, set())
        finally:
            source.stop()
    assert [block.header.number for block in fetched.blocks if block.logs] == [1, 2, 3, 4, 5]


class OwnHeadsServer(ReplayServer):
    """A node that pushes heads with some fields of its own."""

    fields: Mapping[str, str] = MappingProxyType({})

    def _send(self, socket: web.WebSocketResponse, message: bytes) -> None:
        sent = json.loads(message)
        if isinstance(head := sent.get("params", {}).get("result"), dict):
            head |= self.fields
        super()._send(socket, json.dumps(sent).encode())


@pytest.mark.parametrize(
    "fields",
    [{}, {"timestamp": hex(START + 1_000)}, {"parentHash": "0x" + "cd" * 32}, {"hash": "0x" + "ab" * 32}],
    ids=["none", "time", "parent", "hash"],
)
def test_pushed_heads_that_are_not_the_node_s_headers_are_not_used(fields: Mapping[str, str]) -> None:
    blocks = chain()
    with OwnHeadsServer(blocks, ReplayOptions(head=6), state=state_of(blocks)) as node:
        node.fields = fields
        source = BlockSource(SourceOptions([node.url], node.ws_url, 6343, ADDRESSES, poll_interval=0.02))
        try:
            source.open()
            source.start(6, None)
            for number in range(6, len(blocks)):
                fetched = source.next(30.0)
                assert fetched is not None
                assert (fetched.last.hash, fetched.last.timestamp) == (blocks[number].hash, blocks[number].timestamp)
                if number < node.chain.last:
                    node.advance()
        finally:
            source.stop()
        assert node.statistics.methods["eth_getLogs"] == len(blocks) - 6


class ImpatientProxy(ReplayServer):
    """A node behind a proxy that gives up requests for the logs of more than two blocks, with this response."""

    response = (504, "<html>Gateway Time-out</html>")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        filters = re.findall(rb'"fromBlock":"(0x.*?)","toBlock":"(0x.*?)"', await request.read())
        if not any(int(last, 16) - int(first, 16) > 1 for first, last in filters):
            return await super()._serve(request)
        if not self.response and request.transport is not None:
            request.transport.abort()
        status, text = self.response or (500, "")
        return web.Response(status=status, text=text)


@pytest.mark.parametrize(
    "response",
    [(504, "<html>Gateway Time-out</html>"), (200, "upstream request timeout"), ()],
    ids=["504", "text", "cut"],
)
def test_where_a_proxy_gives_up_a_range_time_and_again_smaller_ones_are_asked_for(response: tuple[int, str]) -> None:
    with ImpatientProxy(chain()) as node:
        node.response = response
        assert last_of(node) == 11


class OverworkedServer(ReplayServer):
    """A node that has no more to say to ranges of more than two blocks than that it failed; it answers what is asked
    with them."""

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        wanted = params[0] if method == "eth_getLogs" else {}
        if int(wanted.get("toBlock", "0x0"), 16) - int(wanted.get("fromBlock", "0x0"), 16) > 1:
            raise Refusal(-32603, "Internal error")
        return super()._result(method, params, socket)


def test_where_a_node_fails_at_a_range_time_and_again_smaller_ones_are_asked_for() -> None:
    with OverworkedServer(chain()) as node:
        assert last_of(node) == 11


def test_a_block_that_never_fits_together_ends_the_fetching_with_the_reason() -> None:
    with pytest.raises(Inconsistent, match="logs of block 2 were removed") as raised:
        reached(by_hash=True)
    assert "GHOSTNET_RPC_URLS" in str(raised.value)


def test_blocks_before_the_contracts_do_not_make_an_archive_node_a_pruned_one() -> None:
    """The reader begins after the start block, and before GhostCore exists."""
    building = ChainBuilder()
    while len(building.blocks) < CREATED:
        building.block()
    building.deploy()
    while len(building.blocks) < CREATED + 4 * RECENT_BLOCKS:
        building.block()
    blocks = building.blocks
    with ReplayServer(blocks, state=state_of(blocks)) as node:
        options = SourceOptions([node.url], None, 6343, ADDRESSES, batch_size=20, poll_interval=0.02)
        source = BlockSource(options)
        try:
            source.open()
            source.start(5, blocks[-1].number, Hash(blocks[4].hash))
            closed = dict[int, bool]()
            while blocks[-1].number not in closed:
                fetched = source.next(30.0)
                assert fetched is not None
                closed[fetched.last.number] = fetched.state is not None
        finally:
            source.stop()
    assert closed == {number: number >= CREATED for number in closed}

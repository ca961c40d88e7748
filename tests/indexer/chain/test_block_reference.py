"""The block whose contract state a node returns: it may be another one, and the node may not accept a hash."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import pytest

from indexer.chain.block_reference import AnotherBlock
from indexer.chain.client import NodeClient
from indexer.chain.errors import Inconsistent, InvalidParams, rpc_error
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.metrics import FOREIGN_STATES
from indexer.chain.multicall import multicall_results
from indexer.chain.state import StateReader
from indexer.chain.views import MULTICALL3
from indexer.domain.chain import Header
from indexer.domain.units import Hash
from indexer.replay.calls import StateOptions
from indexer.replay.multicall import encoded_results
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ADDRESSES
from tests.contract_state import state_of
from tests.indexer.chain.ways import claims_chain

BLOCKS: Final = claims_chain().blocks
STATE: Final = state_of(BLOCKS)
LAST: Final = len(BLOCKS) - 1
OTHER: Final = 1
"""A block whose state is another one."""

Fault = Callable[["FaultyNode", Sequence[Any]], bytes | None]
"""What answers an `eth_call` with these parameters in place of the node; it may raise Refusal."""


class FaultyNode(ReplayServer):
    """A node whose calls go through a fault first."""

    def __init__(self, fault: Fault = lambda node, params: None, options: ReplayOptions | None = None) -> None:
        super().__init__(BLOCKS, options, state=STATE)
        self.fault = fault
        self.calls: list[Sequence[Any]] = []

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_call":
            self.calls.append(params)
            if (answer := self.fault(self, params)) is not None:
                return answer
        return super()._result(method, params, socket)

    def after(self, block: int, params: Sequence[Any]) -> bytes:
        """What the call gives after a block."""
        return self._methods.answer("eth_call", [params[0], hex(block)])


def each_third_of_another_block(node: FaultyNode, params: Sequence[Any]) -> bytes | None:
    return node.after(OTHER, params) if len(node.calls) % 3 == 1 else None


def always_of_another_block(node: FaultyNode, params: Sequence[Any]) -> bytes | None:
    return node.after(OTHER, params)


def no_hashes(node: FaultyNode, params: Sequence[Any]) -> None:
    if isinstance(params[1], Mapping):
        raise Refusal(-32602, "invalid argument 1: json: cannot unmarshal object into Go value of type string")


def both(node: FaultyNode, params: Sequence[Any]) -> bytes | None:
    no_hashes(node, params)
    return each_third_of_another_block(node, params)


def another_chain_s_numbers(node: FaultyNode, params: Sequence[Any]) -> bytes | None:
    """As on a chain whose contracts see the blocks of the chain below it."""
    if params[0]["to"] != MULTICALL3:
        return None
    answer = msgspec.json.decode(node._methods.answer("eth_call", params))
    results = [(success, bytes.fromhex(result[2:])) for success, result in multicall_results(answer)]
    results[:2] = [(True, (20_000_000).to_bytes(32)), (True, bytes([7] * 32))]
    return msgspec.json.encode("0x" + encoded_results(results).hex())


def no_witnesses(node: FaultyNode, params: Sequence[Any]) -> bytes | None:
    """As a node whose Multicall3 answers the views only."""
    answer = msgspec.json.decode(node._methods.answer("eth_call", params))
    results = [(success, bytes.fromhex(result[2:])) for success, result in multicall_results(answer)]
    return msgspec.json.encode("0x" + encoded_results([(False, b""), (False, b""), *results[2:]]).hex())


Work = Callable[[StateReader, NodeClient, list[Header]], Awaitable[Any]]


def asked(nodes: Sequence[FaultyNode], work: Work) -> Any:
    """Let a reader of these nodes do its work with the headers of the chain."""

    async def run() -> Any:
        async with NodeClient([node.url for node in nodes], 5) as client:
            headers = await RangeFetcher(client, ADDRESSES).linked_headers(0, LAST)
            return await work(StateReader(client, ADDRESSES), client, headers)

    for node in nodes:
        node.__enter__()
    try:
        return asyncio.run(run())
    finally:
        for node in nodes:
            node.__exit__(None, None, None)


async def last_states(states: StateReader, client: NodeClient, headers: list[Header]) -> Any:
    """The state after each of the last blocks, by header and by number, and that beside other calls."""
    found = [await states.state(place) for header in headers[2:] for place in (header, header.number)]
    calls = await states.closing_calls(headers[-1])
    _, answers = await RangeFetcher(client, ADDRESSES).by_hash_with(headers[-1:], calls)
    return [*found, await states.state(headers[-1], answers)]


@pytest.fixture(scope="module")
def right() -> Any:
    return asked([FaultyNode()], last_states)


@pytest.mark.parametrize(
    "fault",
    [each_third_of_another_block, no_hashes, both, another_chain_s_numbers, no_witnesses],
    ids=lambda f: f.__name__,
)
def test_the_state_is_that_of_the_block_that_was_asked_for(fault: Fault, right: Any) -> None:
    assert asked([FaultyNode(fault)], last_states) == right


@pytest.mark.parametrize("options", [ReplayOptions(state=StateOptions(multicall=False)), ReplayOptions(max_batch=1)])
def test_a_node_that_takes_numbers_only_is_found_also_by_single_views_and_requests(
    options: ReplayOptions, right: Any
) -> None:
    assert asked([FaultyNode(no_hashes, options)], last_states) == right


def test_answers_of_another_block_are_counted() -> None:
    before = FOREIGN_STATES._value.get()
    asked([FaultyNode(each_third_of_another_block)], last_states)
    assert FOREIGN_STATES._value.get() > before


def test_a_node_that_takes_numbers_only_is_asked_by_hash_once(caplog: pytest.LogCaptureFixture) -> None:
    node = FaultyNode(no_hashes)
    asked([node], last_states)
    assert sum(isinstance(params[1], Mapping) for params in node.calls) == 1
    assert sum("takes no block's hash" in record.message for record in caplog.records) == 1


def test_by_number_logs_and_state_still_take_one_request() -> None:
    node = FaultyNode(no_hashes)

    async def work(states: StateReader, client: NodeClient, headers: list[Header]) -> int:
        await states.state(headers[-1])
        fetcher = RangeFetcher(client, ADDRESSES)
        await fetcher.by_hash(headers[-2:])
        before = node.requests
        calls = await states.closing_calls(headers[-1])
        _, answers = await fetcher.by_hash_with(headers[-2:], calls)
        await states.state(headers[-1], answers)
        return node.requests - before

    assert asked([node], work) == 1


def test_by_number_the_state_of_another_fork_is_not_believed() -> None:
    """Its number and its parent are right: the header asked for with it shows that it is another block."""

    async def work(states: StateReader, client: NodeClient, headers: list[Header]) -> None:
        with pytest.raises(AnotherBlock, match="the node has 0x"):
            await states.state(headers[-1]._replace(hash=Hash("0x" + "11" * 32)))

    asked([FaultyNode(no_hashes)], work)


def test_a_state_whose_parent_is_another_block_is_not_believed() -> None:
    async def work(states: StateReader, client: NodeClient, headers: list[Header]) -> None:
        await states.state(headers[-1])
        with pytest.raises(AnotherBlock, match="a block whose parent is"):
            await states.state(headers[-1]._replace(parent_hash=Hash("0x" + "11" * 32)))

    asked([FaultyNode()], work)


def test_another_node_is_asked_if_one_gives_another_block_s_state_each_time(right: Any) -> None:
    wrong, good = FaultyNode(always_of_another_block), FaultyNode()
    assert asked([wrong, good], last_states) == right
    assert good.calls


def test_if_no_node_gives_the_right_state_the_error_names_both_blocks() -> None:
    node = FaultyNode()

    async def work(states: StateReader, client: NodeClient, headers: list[Header]) -> Inconsistent:
        await states.state(headers[-1])
        node.fault = always_of_another_block
        with pytest.raises(AnotherBlock, match=f"after block {LAST}, the node gave that after block {OTHER}") as caught:
            await states.state(headers[-1])
        return caught.value

    assert "GHOSTNET_RPC_URLS" in asked([node], work).help


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32602, "invalid argument 1: json: cannot unmarshal object into Go value of type string"),
        (-32602, "invalid params"),
        (-32000, "invalid type: map, expected a string"),
    ],
)
def test_refusals_of_a_hash_as_parameter_are_recognised(code: int, message: str) -> None:
    assert isinstance(rpc_error("eth_call", {"code": code, "message": message}), InvalidParams)

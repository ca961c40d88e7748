"""The contracts' state, as a node returns it."""

import asyncio

import pytest

from indexer.chain.client import NodeClient
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.state import StateReader
from indexer.domain.state import ContractState
from indexer.replay.calls import StateOptions
from indexer.replay.limits import Limits
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ADDRESSES
from tests.contract_state import state_of
from tests.indexer.chain.ways import claims_chain


@pytest.mark.parametrize(
    ("max_batch", "multicall", "requests"), [(0, True, 1), (0, False, 1), (1, True, 3)], ids=["one", "many", "no batch"]
)
def test_new_blocks_logs_and_the_state_after_them_take_one_request(
    max_batch: int, multicall: bool, requests: int
) -> None:
    """Unless the node takes one call a request."""
    blocks = claims_chain().blocks
    options = ReplayOptions(max_batch=max_batch, state=StateOptions(multicall=multicall))

    async def work() -> None:
        async with NodeClient([server.url], 5) as client:
            fetcher, states = RangeFetcher(client, ADDRESSES), StateReader(client, ADDRESSES)
            headers = await fetcher.linked_headers(1, 2)
            await fetcher.by_hash(headers)
            calls = await states.closing_calls(headers[-1])
            before = server.requests
            fetched, answers = await fetcher.by_hash_with(headers, calls)
            assert server.requests - before == requests
            assert [len(block.logs) for block in fetched.blocks] == [2, 2]
            assert await states.state(headers[-1], answers) == await states.state(headers[-1])

    with ReplayServer(blocks, options, state=state_of(blocks)) as server:
        asyncio.run(work())


def test_a_state_that_is_too_large_for_one_answer_is_read_view_by_view() -> None:
    blocks, states = claims_chain().blocks, []
    for limits in (Limits(), Limits(megaeth=True, max_response=5_000)):
        with ReplayServer(blocks, ReplayOptions(limits=limits), state=state_of(blocks)) as server:

            async def work(url: str) -> ContractState:
                async with NodeClient([url], 5) as client:
                    return await StateReader(client, ADDRESSES).state(2)

            states.append(asyncio.run(work(server.url)))
    assert states[0] == states[1]

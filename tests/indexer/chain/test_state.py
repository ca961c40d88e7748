"""The contracts' state, as a node returns it."""

import asyncio
import random

import pytest
from eth_abi import abi
from eth_hash.auto import keccak

from indexer.chain.client import NodeClient
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.state import StateReader, multicall_calldata, multicall_results
from indexer.replay.calls import StateOptions
from indexer.replay.multicall import encoded_results
from indexer.replay.server import ReplayOptions, ReplayServer
from tests.chains import ADDRESSES
from tests.contract_state import state_of
from tests.indexer.chain.ways import claims_chain

RESULTS: list[list[tuple[bool, bytes]]] = [
    [],
    [(True, b"")],
    [(False, b"\x08\xc3\x79\xa0"), (True, bytes(range(32)))],
    [(bool(number % 3), random.Random(number).randbytes(32 * (number % 5) + number % 2)) for number in range(40)],
]


@pytest.mark.parametrize("results", RESULTS, ids=len)
def test_results_are_read_and_written_as_eth_abi_does(results: list[tuple[bool, bytes]]) -> None:
    answer = "0x" + abi.encode(["(bool,bytes)[]"], [results]).hex()
    assert [(success, bytes.fromhex(result[2:])) for success, result in multicall_results(answer)] == results
    assert "0x" + encoded_results(results).hex() == answer


@pytest.mark.parametrize("calls", RESULTS, ids=len)
def test_calls_are_put_together_as_eth_abi_does(calls: list[tuple[bool, bytes]]) -> None:
    to = [f"0x{number:040x}" for number, _ in enumerate(calls)]
    together = [(target, True, data) for target, (_, data) in zip(to, calls, strict=True)]
    selector = keccak(b"aggregate3((address,bool,bytes)[])")[:4]
    expected = selector + abi.encode(["(address,bool,bytes)[]"], [together])
    assert multicall_calldata([(target, data.hex()) for target, _, data in together]) == "0x" + expected.hex()


@pytest.mark.parametrize("cut", [1, 32, 33, 64, 200])
def test_an_answer_that_was_cut_off_is_an_error(cut: int) -> None:
    whole = "0x" + abi.encode(["(bool,bytes)[]"], [[(True, bytes(32))] * 3]).hex()
    with pytest.raises(ValueError, match=r"ends after|can't hold|is none|no whole words"):
        multicall_results(whole[: -2 * cut])


@pytest.mark.parametrize("answer", ["0x", "0x" + "ff" * 96, "0x" + "00" * 31 + "20" + "ff" * 64])
def test_what_is_no_list_of_results_is_an_error(answer: str) -> None:
    with pytest.raises(ValueError, match=r"ends after|can't hold|is none|no whole words"):
        multicall_results(answer)


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

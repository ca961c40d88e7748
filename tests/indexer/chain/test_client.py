"""The client against nodes that misbehave, over real HTTP."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from indexer.chain.answers import Call
from indexer.chain.client import NodeClient
from indexer.chain.deployment import check_deployment
from indexer.chain.errors import (
    Inconsistent,
    MethodNotFound,
    NoContractCode,
    NodeUnreachable,
    RangeTooLarge,
    Reverted,
    RpcError,
    WrongChain,
)
from indexer.chain.proof import Proof
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.replay.truth import Truth
from tests.indexer.chain.hand_made import HandMadeNode, Reply, ask, asked, call, refused, right, status


@pytest.mark.parametrize(
    "reply",
    [
        lambda request: web.Response(status=502, text="<html>Bad gateway</html>"),
        lambda request: web.Response(status=504),
        lambda request: web.Response(text="<html>maintenance</html>"),
        lambda request: web.Response(text='{"jsonrpc":"2.0","id":'),
        lambda request: web.Response(text=""),
        lambda request: web.Response(status=429, headers={"Retry-After": "0"}),
        lambda request: web.json_response({"jsonrpc": "2.0", "id": 10**6, "result": "of another call"}),
        lambda request: web.json_response({"jsonrpc": "2.0", "id": request["id"]}),
        refused(-32603, "internal error"),
        refused(-32005, "rate limit exceeded"),
    ],
    ids=["502", "504", "HTML", "cut JSON", "empty", "429", "wrong id", "no result", "internal error", "rate limit"],
)
def test_what_may_pass_is_asked_again(reply: Reply) -> None:
    node = HandMadeNode(reply)
    assert asyncio.run(ask([node], call())) == "eth_chainId!"
    assert node.requests == 2


def test_a_proxy_that_waited_too_long_for_a_request_says_nothing_of_its_logs() -> None:
    """The answer would be requested in parts, and, if these get the same, be an error for good."""
    node = HandMadeNode(*[status(408, "Request Timeout")] * 2)
    assert asked([node], lambda client: client.call("eth_getLogs", [{"blockHash": "0x1"}], str)) == "eth_getLogs!"
    assert node.requests == 3


def test_the_next_node_is_asked_when_the_first_fails() -> None:
    bad = HandMadeNode(*[lambda request: web.Response(status=503)] * 50)
    good = HandMadeNode()
    assert asyncio.run(ask([bad, good], call())) == "eth_chainId!"
    assert (bad.requests, good.requests) == (1, 1)


def test_the_first_node_is_preferred_again_when_it_is_well() -> None:
    first, second = HandMadeNode(lambda request: web.Response(status=503)), HandMadeNode()

    async def twice(client: NodeClient) -> None:
        await client.call("eth_chainId", [], str)
        await asyncio.sleep(0.15)
        await client.call("eth_chainId", [], str)

    asyncio.run(ask([first, second], twice))
    assert (first.requests, second.requests) == (2, 1)


@pytest.mark.parametrize(
    ("method", "code", "message", "error"),
    [
        ("debug_traceTransaction", -32601, "the method does not exist", MethodNotFound),
        ("eth_getLogs", -32005, "query returned more than 10000 results", RangeTooLarge),
        ("eth_getLogs", -32000, "block range is too wide", RangeTooLarge),
        ("eth_getLogs", -32000, "the moon is full", RangeTooLarge),
        ("eth_call", -32000, "execution reverted", RpcError),
    ],
)
def test_what_the_node_refuses_for_good_is_raised_at_once(
    method: str, code: int, message: str, error: type[RpcError]
) -> None:
    node = HandMadeNode(refused(code, message))
    with pytest.raises(error, match=message):
        asyncio.run(ask([node], lambda client: client.call(method, [{"fromBlock": "0x1", "toBlock": "0x2"}], str)))
    assert node.requests == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refused(-32020, "backend response too large", status=500), RangeTooLarge),
        (refused(-32000, "logs matched by query exceeds limit of 10000", status=503), RangeTooLarge),
        (refused(3, "execution reverted", status=500), Reverted),
        (status(400, "query returned more than 10000 results"), RangeTooLarge),
        (status(422, '{"message": "response size exceeded"}'), RangeTooLarge),
        (status(413, "<html>Content Too Large</html>"), RangeTooLarge),
    ],
    ids=["500", "503", "500, reverted", "text", "JSON of its own", "413"],
)
def test_a_refusal_means_the_same_with_any_http_status(reply: Reply, error: type[RpcError]) -> None:
    node = HandMadeNode(otherwise=reply)
    log_filter = {"fromBlock": "0x1", "toBlock": "0x2"}
    with pytest.raises(error):
        asked([node], lambda client: client.call("eth_getLogs", [log_filter], str))
    assert node.requests == 1


def of_another_type(request: Any) -> web.Response:
    return web.json_response({"id": request["id"], "result": {"not": "text"}})


def test_a_result_of_another_type_is_asked_for_again_but_not_for_ever() -> None:
    assert asyncio.run(ask([HandMadeNode(of_another_type)], call())) == "eth_chainId!"
    with pytest.raises(Inconsistent, match="eth_chainId"):
        asyncio.run(ask([HandMadeNode(*[of_another_type] * 50)], call()))


def test_batches_that_are_too_large_are_split() -> None:
    def at_most_ten(request: Any) -> web.StreamResponse | None:
        if isinstance(request, list) and len(request) > 10:
            return web.json_response({"id": None, "error": {"code": -32600, "message": "batch too large"}})
        return right(request)

    node = HandMadeNode(*[at_most_ten] * 100)
    calls: list[Call] = [(f"method_{number}", []) for number in range(45)]
    results = asyncio.run(ask([node], lambda client: client.batch(calls, str)))
    assert results == [f"method_{number}!" for number in range(45)]


def test_answers_out_of_order_are_matched_by_id() -> None:
    def backwards(request: Any) -> web.Response:
        return web.json_response([{"id": call["id"], "result": call["method"]} for call in reversed(request)])

    results = asyncio.run(
        ask([HandMadeNode(backwards)], lambda client: client.batch([("a", []), ("b", []), ("c", [])], str))
    )
    assert results == ["a", "b", "c"]


def test_patience_ends_with_the_node_named_but_never_its_key() -> None:
    async def knock() -> None:
        async with NodeClient(["http://user:secret@127.0.0.1:9/v2/key"], patience=0.2) as client:
            await client.call("eth_chainId", [], str)

    with pytest.raises(NodeUnreachable) as raised:
        asyncio.run(knock())
    assert "127.0.0.1:9" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "GHOSTNET_RPC_URLS" in str(raised.value)


@contextmanager
def served(season: list[RecordedBlock]) -> Iterator[ReplayServer]:
    with ReplayServer(season[:10]) as server:
        yield server


def check(server: ReplayServer, chain_id: int, contracts: dict[str, str]) -> None:
    async def work() -> None:
        async with NodeClient([server.url], 2, Proof(chain_id)) as client:
            await check_deployment(client, contracts)

    asyncio.run(work())


def test_a_node_of_another_chain_is_refused(season: list[RecordedBlock], truth: Truth) -> None:
    with served(season) as server, pytest.raises(WrongChain, match="on chain 6343, the deployment on chain 4326"):
        check(server, 4326, dict(truth.contracts))


def test_an_address_without_code_is_named(season: list[RecordedBlock], truth: Truth) -> None:
    contracts = {**truth.contracts, "DeadPool": "0x" + "12" * 20}
    with served(season) as server:
        check(server, 6343, dict(truth.contracts))
        with pytest.raises(NoContractCode, match="DeadPool"):
            check(server, 6343, contracts)

"""The limits of a node: refusals by HTTP status, JSON-RPC code and text, and the counts of requests."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from requests import RequestException
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from indexer.replay.limits import Limits
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.sockets import PublicSocket
from tests.indexer.replay.asking import Answer, ask, call, post

EVERYTHING = {"fromBlock": "0x0", "toBlock": hex(1007)}


def error_of(answer: Answer) -> tuple[int, int, str]:
    """HTTP status, code and message."""
    error = answer.json["error"]
    return answer.status, error["code"], error["message"]


@pytest.mark.parametrize("size", [1, 500, 11_475, 11_476, 20_000])
def test_pages_with_cursors_give_every_log_once_in_order(season: list[RecordedBlock], size: int) -> None:
    asked: dict[str, Any] = {**EVERYTHING, "fromBlock": hex(0 if size > 1 else 990)}
    with ReplayServer(season, ReplayOptions(limits=Limits(cursor_page=size))) as server:
        whole = ask(server, "eth_getLogs", asked)
        pages: list[list[Any]] = []
        cursor = None
        while not pages or cursor is not None:
            page = ask(server, "eth_getLogsWithCursor", asked if cursor is None else {**asked, "cursor": cursor})
            pages.append(page["logs"])
            cursor = page.get("cursor")
    assert [log for page in pages for log in page] == whole != []
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= size


def test_pages_keep_to_the_filter_and_need_the_option(season: list[RecordedBlock]) -> None:
    asked = {**EVERYTHING, "address": season[29].txs[0].logs[0].address}
    with ReplayServer(season, ReplayOptions(limits=Limits(cursor_page=50_000))) as server:
        assert ask(server, "eth_getLogsWithCursor", asked) == {"logs": ask(server, "eth_getLogs", asked)}
        assert ask(server, "eth_getLogsWithCursor", {**asked, "cursor": "no cursor"})["code"] == -32602
    with ReplayServer(season) as server:
        assert ask(server, "eth_getLogsWithCursor", asked)["code"] == -32601


def test_megaeth_refuses_an_answer_that_is_too_large_as_a_whole(season: list[RecordedBlock]) -> None:
    size = 200_000
    limits = Limits(max_response=size, megaeth=True)
    one = call("eth_getBlockByNumber", hex(500), True)
    with ReplayServer(season, ReplayOptions(foreign=100, limits=limits)) as server:
        assert len(post(server, one).body) < size
        for body in ([one] * 9, call("eth_getLogs", EVERYTHING)):
            assert error_of(post(server, body)) == (500, -32020, "backend response too large")
        assert post(server, [one]).status == 200


def test_other_nodes_answer_a_batch_until_it_is_too_large_and_refuse_its_rest(season: list[RecordedBlock]) -> None:
    batch = [call("eth_getBlockByNumber", hex(500), True, request_id=number) for number in range(9)]
    with ReplayServer(season, ReplayOptions(foreign=100, limits=Limits(max_response=250_000))) as server:
        answer = post(server, batch)
    assert answer.status == 200
    assert [one["id"] for one in answer.json] == list(range(9))
    refused = [one["error"] for one in answer.json if "error" in one]
    assert 0 < len(refused) < 9
    assert refused == [one.get("error") for one in answer.json[-len(refused) :]]
    assert refused[0] == {"code": -32003, "message": "response too large"}


def seconds_in(message: str) -> int:
    """The seconds at the end of `..., retry in X seconds`."""
    return int(message.rpartition("retry in ")[2].removesuffix(" seconds"))


def test_bytes_a_second_are_limited(season: list[RecordedBlock]) -> None:
    for megaeth in (True, False):
        limits = Limits(bandwidth=1_000, megaeth=megaeth)
        with ReplayServer(season, ReplayOptions(limits=limits)) as server:
            size = len(post(server, call("eth_getLogs", EVERYTHING)).body)
            refused = post(server, call("eth_blockNumber"))
            assert server.statistics.limited == 1
        if megaeth:
            status, code, message = error_of(refused)
            assert (status, code) == (429, -32021)
            assert message.startswith("over network traffic limit, retry in ")
            assert "Retry-After" not in refused.headers
            wait = float(seconds_in(message))
        else:
            assert error_of(refused) == (429, -32005, "rate limit exceeded")
            wait = float(refused.headers["Retry-After"])
        assert size / 1_000 - 300 < wait <= size / 1_000


def test_calls_a_second_are_limited_and_a_batch_costs_as_many_as_it_has(season: list[RecordedBlock]) -> None:
    batch = [call("eth_chainId")] * 3
    with ReplayServer(season, ReplayOptions(limits=Limits(compute=0.001, megaeth=True))) as server:
        assert post(server, batch).status == 200
        status, code, message = error_of(post(server, batch))
        assert (status, code) == (429, -32022)
        assert message.startswith("over compute unit limit, retry in ")
        assert 2700 < seconds_in(message) <= 3000
        assert post(server, call("replay_status")).status == 200


def test_requests_a_second_are_limited(season: list[RecordedBlock]) -> None:
    with ReplayServer(season, ReplayOptions(rate_limit=0.001)) as server:
        assert post(server, [call("eth_chainId")] * 3).status == 200
        refused = post(server, call("eth_chainId"))
    assert error_of(refused) == (429, -32005, "rate limit exceeded")
    assert 700 < float(refused.headers["Retry-After"]) <= 1000


def test_megaeth_has_errors_of_its_own(season: list[RecordedBlock]) -> None:
    beyond = call("eth_getLogs", {"fromBlock": hex(1007), "toBlock": hex(1008)})
    unknown = call("trace_block", "0x1")
    with ReplayServer(season, ReplayOptions(limits=Limits(megaeth=True))) as server:
        assert error_of(post(server, beyond)) == (400, -32019, "block is out of range")
        assert error_of(post(server, unknown)) == (403, -32601, "rpc method is not whitelisted")
        assert error_of(post(server, b"{")) == (400, -32700, "parse error")
        batch = post(server, [beyond, call("eth_chainId")])
        assert (batch.status, batch.json[0]["error"]["code"], batch.json[1]["result"]) == (200, -32019, "0x18c7")
    with ReplayServer(season) as server:
        answers = [post(server, body) for body in (beyond, unknown, b"{")]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert "error" not in answers[0].json


@pytest.mark.parametrize("text", ["rabbit hole is full", "context deadline exceeded"])
def test_megaeth_fails_in_ways_of_its_own(season: list[RecordedBlock], text: str) -> None:
    def fails(megaeth: bool) -> bool:
        limits = Limits(megaeth=megaeth)
        with ReplayServer(season[:2], ReplayOptions(flaky=1, limits=limits)) as server:
            return any(text in _body(server) for _ in range(80))

    assert fails(megaeth=True)
    assert not fails(megaeth=False)


def _body(server: ReplayServer) -> str:
    try:
        return post(server, call("eth_chainId")).body.decode()
    except RequestException:
        return ""


def test_what_was_asked_and_sent_is_counted(season: list[RecordedBlock]) -> None:
    with ReplayServer(season, ReplayOptions(head=600)) as server:
        bodies = [
            post(server, call("eth_blockNumber")).body,
            post(server, [call("eth_chainId"), call("eth_getLogs", {"fromBlock": "0x0"})]).body,
            post(server, call("no_such_method")).body,
        ]
        server.reorg(2)
        counted = server.statistics
        assert (counted.requests, counted.calls) == (3, 4)
        assert counted.methods == {"eth_blockNumber": 1, "eth_chainId": 1, "eth_getLogs": 1, "no_such_method": 1}
        assert counted.bytes_sent == sum(map(len, bodies))
        status = ask(server, "replay_status")
        assert status["methods"] == dict(counted.methods)
        assert (status["requests"], status["calls"], status["bytes"]) == (3, 4, counted.bytes_sent)
        assert (status["head"], status["last"], status["reorgs"]) == (600, 1007, 1)


async def _closed(server: ReplayServer, act: Callable[[ClientConnection], Any]) -> str:
    """Why the node closed a WebSocket."""
    async with connect(server.ws_url, close_timeout=0.5) as socket:
        try:
            await act(socket)
            while True:
                await asyncio.wait_for(socket.recv(), 30)
        except ConnectionClosed as closed:
            return closed.rcvd.reason if closed.rcvd else ""


async def _call(socket: ClientConnection, method: str, *params: Any) -> Any:
    await socket.send(msgspec.json.encode(call(method, *params)).decode())
    return json.loads(await socket.recv())


def test_a_public_websocket_takes_subscriptions_only(season: list[RecordedBlock]) -> None:
    async def ask_twice(server: ReplayServer) -> list[Any]:
        async with connect(server.ws_url, close_timeout=0.5) as socket:
            return [await _call(socket, "eth_subscribe", "newHeads"), await _call(socket, "eth_blockNumber")]

    with ReplayServer(season[:9], ReplayOptions(public_ws=PublicSocket())) as server:
        subscribed, refused = asyncio.run(ask_twice(server))
        assert "result" in subscribed
        assert refused["error"] == {"code": -32601, "message": "rpc method is not whitelisted"}
        assert ask(server, "eth_blockNumber") == "0x8"


def test_a_public_websocket_closes_on_a_client_that_sends_too_much_or_nothing(season: list[RecordedBlock]) -> None:
    async def talk(socket: ClientConnection) -> None:
        for _ in range(60):
            await socket.send(msgspec.json.encode(call("eth_chainId")).decode())

    async def listen(socket: ClientConnection) -> None:
        await _call(socket, "eth_subscribe", "newHeads")

    with ReplayServer(season[:9], ReplayOptions(public_ws=PublicSocket())) as server:
        assert asyncio.run(_closed(server, talk)) == "too many messages"
    options = ReplayOptions(head=3, blocks_per_second=50, public_ws=PublicSocket(idle=0.2))
    with ReplayServer(season[:90], options) as server:
        assert asyncio.run(_closed(server, listen)) == "idle"

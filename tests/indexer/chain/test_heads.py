"""Heads pushed over a socket: one that the node itself would not return is ignored."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from indexer.chain import heads as heads_module
from indexer.chain.client import NodeClient
from indexer.chain.heads import HeadWatcher
from indexer.chain.preconfirmed import PreconfirmedLogs, PreconfirmedMode, PreconfirmedTransaction
from tests.chains import ADDRESSES
from tests.indexer.chain.hand_made import HandMadeNode, Reply, each

CHAIN_ID = 6343


def at(head: int) -> Reply:
    """A node whose head is at this height."""
    return each(lambda call: {"result": hex(head)})


AT_100 = at(100)


def header(number: int | str, block_hash: str = "0x" + "ab" * 32) -> dict[str, Any]:
    return {"number": number, "hash": block_hash, "parentHash": "0x" + "cd" * 32, "timestamp": "0x1"}


class PushingNode(HandMadeNode):
    """Pushes one head after the other over its socket; `pushed` is set after the last."""

    def __init__(
        self,
        heads: list[dict[str, Any]],
        chain_id: int = CHAIN_ID,
        otherwise: Reply = AT_100,
        subscription: str | int = "0x1",
    ) -> None:
        super().__init__(otherwise=otherwise)
        self._subscription = subscription
        self._heads = heads
        self._chain_id = chain_id
        self.pushed = asyncio.Event()
        self.is_compressed: bool | None = None
        self.closes = False
        """Whether each socket is closed as soon as it is open."""
        self.opened = 0

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.is_compressed = bool(socket.compress)
        self.opened += 1
        if self.closes:
            return socket
        async for message in socket:
            call = json.loads(message.data)
            result = hex(self._chain_id) if call["method"] == "eth_chainId" else self._subscription
            await socket.send_json({"jsonrpc": "2.0", "id": call["id"], "result": result})
            if call["method"] == "eth_subscribe":
                while self._heads:
                    params = {"subscription": self._subscription, "result": self._heads.pop(0)}
                    await socket.send_json({"method": "eth_subscription", "params": params})
                self.pushed.set()
        return socket


async def watch(
    node: PushingNode, work: Callable[[HeadWatcher], Awaitable[None]], mode: PreconfirmedMode = PreconfirmedMode.OFF
) -> None:
    application = web.Application()
    application.router.add_post("/", node.serve)
    application.router.add_get("/", node.socket)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place = f"127.0.0.1:{runner.addresses[0][1]}/"
    async with NodeClient([f"http://{place}"], 5.0) as client:
        preconfirmed = PreconfirmedLogs(client, ADDRESSES, mode, list[PreconfirmedTransaction]().append)
        watcher = HeadWatcher(client, f"ws://{place}", 0.02, CHAIN_ID, preconfirmed)
        task = asyncio.create_task(watcher.run())
        try:
            await asyncio.wait_for(work(watcher), 60)
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait([task])
            await runner.cleanup()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for is in objects that have no event for it
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("number", [hex(1 << 64), hex((1 << 39) + 1), hex(100 + 5_000), "0x0", "-0x1", "zero"])
def test_a_head_that_can_not_be_is_not_believed_and_later_ones_are(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads_module, "RECONNECT_SECONDS", 0.01)
    monkeypatch.setattr(heads_module, "FAR_BLOCKS", 50)
    node = PushingNode([header(number)])

    async def work(watcher: HeadWatcher) -> None:
        await node.pushed.wait()
        await until(lambda: watcher.head == 100)
        assert not watcher.is_subscription_reliable
        node._heads.append(header("0x65"))
        await until(lambda: watcher.is_subscription_reliable)
        assert watcher.pushed_header(101) is not None

    asyncio.run(watch(node, work))


def test_subscriptions_may_have_numbers_for_ids() -> None:
    """Also where the socket carries logs before their block."""
    node = PushingNode([header("0x65")], subscription=0)

    async def work(watcher: HeadWatcher) -> None:
        await until(lambda: watcher.pushed_header(101) is not None)
        assert node.opened == 1

    asyncio.run(watch(node, work, PreconfirmedMode.AUTO))


def test_sockets_that_bring_nothing_are_opened_after_ever_longer_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads_module, "RECONNECT_SECONDS", 0.001)
    monkeypatch.setattr(heads_module, "MAX_RECONNECT_SECONDS", 0.01)
    node = PushingNode([])
    node.closes = True

    async def work(watcher: HeadWatcher) -> None:
        await until(lambda: node.opened > 5)
        assert watcher._reconnects.failures >= 5
        node.closes = False
        node._heads.append(header("0x65"))
        await until(lambda: watcher.is_subscription_reliable)
        assert watcher._reconnects.failures == 0

    asyncio.run(watch(node, work))


def test_a_head_that_is_far_is_believed_if_the_node_says_so() -> None:
    node = PushingNode([header(hex(9_000))], otherwise=at(9_001))

    async def work(watcher: HeadWatcher) -> None:
        watcher.head = 100
        await until(lambda: watcher.pushed_header(9_000) is not None)

    asyncio.run(watch(node, work))


def test_heads_are_read_however_they_are_spelled() -> None:
    node = PushingNode([{**header(101, "0x" + "AB" * 32), "baseFeePerGas": "0xA"}])

    async def work(watcher: HeadWatcher) -> None:
        await until(lambda: watcher.pushed_header(101) is not None)
        pushed = watcher.pushed_header(101)
        assert pushed is not None
        assert pushed.hash == "0x" + "ab" * 32

    asyncio.run(watch(node, work))


@pytest.mark.parametrize("mode", PreconfirmedMode)
def test_only_what_brings_everybody_s_transactions_is_compressed(mode: PreconfirmedMode) -> None:
    node = PushingNode([])

    async def work(watcher: HeadWatcher) -> None:
        await node.pushed.wait()
        assert node.is_compressed == (mode is PreconfirmedMode.MINI_BLOCKS)

    asyncio.run(watch(node, work, mode))


def test_the_socket_of_another_chain_is_not_listened_to() -> None:
    node = PushingNode([header("0x65")], chain_id=1)

    async def work(watcher: HeadWatcher) -> None:
        await node.pushed.wait()
        seen = node.requests
        await until(lambda: node.requests > seen + 3)
        assert not watcher.is_subscription_reliable
        assert watcher.pushed_header(101) is None

    asyncio.run(watch(node, work))


def test_a_head_that_the_node_refuses_to_tell_is_asked_for_again_with_pauses() -> None:
    answers = iter([{"error": {"code": -32019, "message": "block is out of range"}}] * 3)
    node = PushingNode([], otherwise=each(lambda call: next(answers, {"result": "0x64"})))

    async def work(watcher: HeadWatcher) -> None:
        await until(lambda: watcher.head == 100)
        assert node.requests == 4

    asyncio.run(watch(node, work))

"""Nodes with scripted answers, over real HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from indexer.chain.client import NodeClient
from indexer.chain.proof import Proof

Reply = Callable[[Any], web.StreamResponse | None]
"""A response to a parsed request: one call, or a list of them; None closes the connection without one."""


def each(answer: Callable[[Any], dict[str, Any]]) -> Reply:
    """Answers each call by itself, in a batch too; `answer` gives a call's result or error."""

    def one(call: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": call["id"], **answer(call)}

    def reply(request: Any) -> web.Response:
        return web.json_response([one(call) for call in request] if isinstance(request, list) else one(request))

    return reply


right = each(lambda call: {"result": f"{call['method']}!"})


def refused(code: int, message: str, status: int = 200) -> Reply:
    """One error, whatever the request."""

    def reply(request: Any) -> web.Response:
        call_id = request["id"] if isinstance(request, dict) else None
        error = {"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message}}
        return web.json_response(error, status=status)

    return reply


def status(code: int, text: str = "", **headers: str) -> Reply:
    """A response without JSON."""
    return lambda request: web.Response(status=code, text=text, headers=headers)


class HandMadeNode:
    """Answers each request with the next reply of a list, and then for ever as `otherwise` says."""

    def __init__(self, *replies: Reply, otherwise: Reply = right) -> None:
        self._replies = list(replies)
        self._otherwise = otherwise
        self.bodies: list[Any] = []
        self.headers: list[Any] = []

    @property
    def requests(self) -> int:
        return len(self.bodies)

    @property
    def sizes(self) -> list[int]:
        """The number of calls of each request."""
        return [len(body) if isinstance(body, list) else 1 for body in self.bodies]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.bodies.append(body)
        self.headers.append(request.headers)
        reply = self._replies.pop(0) if self._replies else self._otherwise
        response = reply(body)
        if response is None:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return response


class HangingNode(HandMadeNode):
    """Takes requests and does not answer them."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(json.loads(await request.read()))
        while request.transport is not None:  # noqa: ASYNC110 - the client's end of it has no event
            await asyncio.sleep(0.01)
        return web.Response()


async def ask(
    nodes: Sequence[HandMadeNode],
    work: Callable[[NodeClient], Awaitable[Any]],
    patience: float | None = 3.0,
    proof: Proof | None = None,
) -> Any:
    """Serve some nodes, and run a client's work with them."""
    runners, urls = [], []
    for node in nodes:
        application = web.Application()
        application.router.add_post("/", node.serve)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    try:
        async with NodeClient(urls, patience, proof) as client:
            return await work(client)
    finally:
        for runner in runners:
            await runner.cleanup()


def asked(
    nodes: Sequence[HandMadeNode],
    work: Callable[[NodeClient], Awaitable[Any]],
    patience: float | None = 3.0,
    proof: Proof | None = None,
) -> Any:
    """As `ask`, on an event loop of its own."""
    return asyncio.run(ask(nodes, work, patience, proof))


def call(method: str = "eth_chainId", kind: Any = str) -> Callable[[NodeClient], Awaitable[Any]]:
    """The work of making one call."""
    return lambda client: client.call(method, [], kind)

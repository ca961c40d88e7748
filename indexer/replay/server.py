"""HTTP and WebSocket for the replay node: answers, subscriptions, a clock, and faults on demand."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiohttp import web

from indexer.replay.calls import Calls, StateOptions
from indexer.replay.chain import LiveChain, ReorgPlan
from indexer.replay.faults import Faults, fault_response
from indexer.replay.foreign import ForeignTransactions
from indexer.replay.limits import NOT_WHITELISTED, REST_TOO_LARGE, Gate, Limits
from indexer.replay.mini_blocks import MiniBlockPlan, MiniBlocks
from indexer.replay.recording import RecordedBlock
from indexer.replay.refusal import Refusal
from indexer.replay.rendering import ServedBlock, Style
from indexer.replay.rpc import Methods
from indexer.replay.sockets import PUBLIC_METHODS, PublicSocket, messages
from indexer.replay.state import RecordedState
from indexer.replay.statistics import Statistics
from indexer.replay.subscriptions import Subscriptions
from indexer.replay.truth import Truth

_encode = msgspec.json.Encoder().encode

_LARGEST_REQUEST: Final = 64 << 20
_ADMINISTRATION: Final = b'"replay_'
"""Methods of this node alone; no limit or fault concerns them."""


@dataclass(slots=True)
class ReplayOptions:
    """How to serve; `flaky` is the share of requests that fail, `rate_limit` in requests a second, 0 for none.

    `moving_since`: the time (`time.monotonic`) from which the head moves, None for that of the start. `hold`: it stands
    until the method `replay_start` is called, and then is where it would be without.

    `foreign`: other people's transactions in each block. `stretch`: block n becomes n·stretch, with empty ones between.
    """

    chain_id: int = 6343
    host: str = "127.0.0.1"
    port: int = 0
    head: int | None = None
    blocks_per_second: float = 0.0
    moving_since: float | None = None
    hold: bool = False
    stretch: int = 1
    foreign: int = 0
    log_timestamps: bool = True
    limits: Limits = field(default_factory=Limits)
    state: StateOptions = field(default_factory=StateOptions)
    max_batch: int = 0
    rate_limit: float = 0.0
    flaky: float = 0.0
    silent_ws: bool = False
    public_ws: PublicSocket | None = None
    reorgs: ReorgPlan = field(default_factory=ReorgPlan)
    mini_blocks: MiniBlockPlan = field(default_factory=MiniBlockPlan)


_TURNS_TO_ACCEPT: Final = 4
"""Turns of the event loop after which `cleanup` also closes a connection that was just accepted."""


class ReplayServer:
    """Serves a recording on a thread of its own, as a context manager or by `start` and `stop`."""

    def __init__(
        self,
        recording: Sequence[RecordedBlock],
        options: ReplayOptions | None = None,
        truth: Truth | None = None,
        state: RecordedState | None = None,
    ) -> None:
        self.options = options or ReplayOptions()
        has_mini_blocks = self.options.mini_blocks.milliseconds > 0
        self._subscriptions = Subscriptions(self._send, has_mini_blocks=has_mini_blocks)
        self._transports: set[asyncio.Transport] = set()
        self._outbox: asyncio.Queue[tuple[web.WebSocketResponse, bytes]] = asyncio.Queue()
        foreign = ForeignTransactions(self.options.foreign, self.options.chain_id) if self.options.foreign else None
        self.chain = LiveChain(
            recording,
            Style(self.options.chain_id, foreign, self.options.log_timestamps),
            head=self.options.head,
            stretch=self.options.stretch,
            reorgs=self.options.reorgs,
            announce=self._announce,
        )
        self._mini_blocks = MiniBlocks(self.chain, self.options.mini_blocks)
        self.statistics = Statistics()
        calls = Calls(self.options.chain_id, recording, truth, state, self.options.state)
        self._methods = Methods(self.chain, self.options.chain_id, self.options.limits, calls)
        self._faults = Faults(self.options.reorgs.seed)
        self._gate = Gate(self.options.limits)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="replay", daemon=True)
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()
        if not self.options.hold:
            self._released.set()
        self.ended = threading.Event()
        """Set once the head has moved to the last block there is."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{self.options.host}:{self.port}"

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return self.statistics.requests

    @property
    def chain_id(self) -> int:
        return self.options.chain_id

    @property
    def ws_url(self) -> str:
        return f"ws://{self.options.host}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def stop(self) -> None:
        """Close every connection and end the thread; once is enough."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def advance(self, blocks: int = 1) -> None:
        """Move the head on."""
        self._on_loop(lambda: [self.chain.advance() for _ in range(blocks)])

    def announce(self, share: float = 1.0) -> None:
        """Announce the next block's transactions in a mini-block, up to a share of them."""
        self._on_loop(lambda: self._announce_pending(share))

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks by others; a second time by the recorded ones."""
        self._on_loop(lambda: self.chain.reorg(depth))

    def fork(self, depth: int, length: int) -> None:
        """Replace the newest `depth` blocks, of a fork or not, by `length` other ones."""
        self._on_loop(lambda: self.chain.fork(depth, length))

    def restore_recorded(self, head: int) -> None:
        """Serve the recorded blocks, up to `head`, whatever fork was served."""
        self._on_loop(lambda: self.chain.restore_recorded(head))

    def status(self) -> dict[str, Any]:
        """What is served and what it has cost so far: the answer to the method `replay_status`."""
        counted = self.statistics
        return {
            "head": self.chain.head,
            "headHash": self.chain.blocks[-1].hash,
            "last": self.chain.last,
            "reorgs": self.chain.reorg_count,
            "subscriptions": len(self._subscriptions),
            "requests": counted.requests,
            "calls": counted.calls,
            "methods": dict(counted.methods),
            "bytes": counted.bytes_sent,
            "limited": counted.limited,
            "faults": counted.faults,
        }

    def drop_sockets(self) -> None:
        """Break every WebSocket connection without a close frame."""

        def abort() -> None:
            for transport in list(self._transports):
                transport.abort()

        self._on_loop(abort)

    def _on_loop(self, work: Callable[[], object]) -> None:
        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _start(self) -> None:
        application = web.Application(client_max_size=_LARGEST_REQUEST)
        application.router.add_route("*", "/{rest:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.options.host, self.options.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._tasks = [asyncio.create_task(self._push()), asyncio.create_task(self._tick())]

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        assert self._runner is not None
        for site in list(self._runner.sites):
            await site.stop()
        for _ in range(_TURNS_TO_ACCEPT):
            await asyncio.sleep(0)
        await self._runner.cleanup()

    async def _tick(self) -> None:
        """Move the head on at the chosen speed."""
        if not self.options.blocks_per_second:
            return
        started, moved = self.options.moving_since or time.monotonic(), 0
        await self._released.wait()
        while not self.ended.is_set():
            due = int((time.monotonic() - started) * self.options.blocks_per_second)
            while moved < due:
                self._announce_pending(1.0)
                moved += 1
                if not self.chain.advance():
                    self.ended.set()
                    break
            self._announce_pending((time.monotonic() - started) * self.options.blocks_per_second - moved)
            pause = self.options.mini_blocks.milliseconds / 1000 or 0.05
            await asyncio.sleep(min(pause, 1 / self.options.blocks_per_second))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_websocket(request)
        body = await request.read()
        if _ADMINISTRATION in body:
            return web.Response(body=self._answer(body, None), content_type="application/json")
        self.statistics.requests += 1
        refused = self._gate.refuse(body, self.options.rate_limit)
        if refused is not None:
            self.statistics.limited += 1
            return refused
        fault = self._faults.drawn(self.options.flaky, self.options.limits.megaeth)
        if fault is not None:
            self.statistics.faults += 1
            return fault_response(fault, request, lambda: self._answer(body, None))
        response = self._gate.pass_out(self._answer(body, None))
        self.statistics.bytes_sent += response.content_length or 0
        return response

    async def _serve_websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=_LARGEST_REQUEST)
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        self._transports.add(transport)
        try:
            async for message in messages(socket, self.options.public_ws):
                self.statistics.requests += 1
                self._send(socket, self._answer(message, socket))
        finally:
            self._transports.discard(transport)
            self._subscriptions.remove_all(socket)
        return socket

    async def _push(self) -> None:
        while True:
            socket, message = await self._outbox.get()
            if not socket.closed:
                self.statistics.bytes_sent += len(message)
                await socket.send_str(message.decode())
            if self._outbox.empty():
                self._methods.prepare()

    def _send(self, socket: web.WebSocketResponse, message: bytes) -> None:
        """Queue a message for a socket: all are sent in the order in which they were made."""
        self._outbox.put_nowait((socket, message))

    def _announce(self, block: ServedBlock, removed: bool) -> None:
        if not self.options.silent_ws:
            self._subscriptions.announce(block, removed=removed)

    def _announce_pending(self, share: float) -> None:
        """Announce what was not announced yet of a share of the next block, where there are mini-blocks."""
        logs = self._mini_blocks.next_part(share) if self._mini_blocks.are_served else []
        if not self.options.silent_ws:
            self._subscriptions.announce_pending(logs)

    def _answer(self, body: bytes, socket: web.WebSocketResponse | None) -> bytes:
        try:
            request = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return _refused(None, Refusal(-32700, "parse error"))
        if not isinstance(request, list):
            return self._answer_one(request, socket)
        if self.options.max_batch and len(request) > self.options.max_batch:
            return _refused(None, Refusal(-32600, "batch too large"))
        answers, size, most = [], 0, self.options.limits.max_response
        for one in request:
            too_large = most and size > most
            answer = _refused(_id_of(one), Refusal(*REST_TOO_LARGE)) if too_large else self._answer_one(one, socket)
            answers.append(answer)
            size += len(answer)
        return b"[" + b",".join(answers) + b"]"

    def _answer_one(self, request: Any, socket: web.WebSocketResponse | None) -> bytes:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _refused(None, Refusal(-32600, "invalid request"))
        method, params = request["method"], request.get("params") or []
        if method == "replay_status":
            return _answered(request, _encode(self.status()))
        if method == "replay_start":
            self._released.set()
            return _answered(request, b"true")
        self.statistics.methods[method] += 1
        try:
            return _answered(request, self._result(method, params, socket))
        except Refusal as refusal:
            return _refused(request.get("id"), refusal)

    def _result(self, method: str, params: Sequence[Any], socket: web.WebSocketResponse | None) -> bytes:
        if socket is not None and self.options.public_ws and method not in PUBLIC_METHODS:
            raise Refusal(*NOT_WHITELISTED)
        if method == "eth_subscribe" and socket is not None:
            return _encode(self._subscriptions.add(socket, params))
        if method == "eth_unsubscribe":
            return _encode(self._subscriptions.remove(str(params[0])))
        return self._methods.answer(method, params)


def _id_of(request: Any) -> Any:
    return request.get("id") if isinstance(request, dict) else None


def _answered(request: dict[str, Any], result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":' + _encode(request.get("id")) + b',"result":' + result + b"}"


def _refused(request_id: Any, refusal: Refusal) -> bytes:
    return _encode({"jsonrpc": "2.0", "id": request_id, "error": refusal.body})

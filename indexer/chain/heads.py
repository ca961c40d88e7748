"""The node's head: polled over HTTP, pushed over WebSocket where there is one."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from indexer.base.retry import Backoff
from indexer.chain.blocks import parse_header
from indexer.chain.client import NodeClient
from indexer.chain.errors import Inconsistent, NodeError, WrongChain
from indexer.chain.json_normalization import parsed
from indexer.chain.preconfirmed import PreconfirmedLogs
from indexer.chain.proof import number_of
from indexer.chain.rpc_types import WireHeader
from indexer.chain.socket_messages import RequestId, parse_message, request_text
from indexer.domain.chain import Header
from indexer.domain.units import MAX_BLOCK

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS: Final = 20.0
"""MegaETH's public endpoint closes a socket on which it has received nothing for 30 s."""
HEADERS_KEPT: Final = 128
SLOW_POLL_SECONDS: Final = 2.0
RECONNECT_SECONDS: Final = 2.0
MAX_RECONNECT_SECONDS: Final = 60.0
"""The pauses between sockets that bring nothing grow from the one to the other."""
WRONG_CHAIN_SECONDS: Final = 60.0
FAR_BLOCKS: Final = 1_000
"""Blocks: a pushed head that is farther from the last one is confirmed over HTTP first."""

_header_decoder: Final = msgspec.json.Decoder(WireHeader)


class HeadWatcher:
    """Keeps `head` (a block number) current, and wakes the callers of `wait` when it may have moved.

    Without a WebSocket it polls every `poll_interval` seconds. With one, polling slows down for as long as the
    subscription brings every head that polling finds; a subscription that is silent while the head moves is not
    trusted any more until it brings one again. A subscription of another chain than `chain_id` is not listened to.
    The socket carries the `preconfirmed` logs too.
    """

    def __init__(
        self,
        client: NodeClient,
        ws_url: str | None,
        poll_interval: float,
        chain_id: int,
        preconfirmed: PreconfirmedLogs,
    ) -> None:
        self._client = client
        self._preconfirmed = preconfirmed
        self._ws_url = ws_url
        self._chain_id = chain_id
        self._poll_interval = poll_interval
        self._pushed_head = -1
        self._trusted = False
        self._failures = Backoff()
        self._reconnects = Backoff(RECONNECT_SECONDS, MAX_RECONNECT_SECONDS)
        self._moved = asyncio.Event()
        self._pushed: dict[int, Header] = {}
        self._are_pushed_right: bool | None = None
        """Whether the headers of this socket are the node's, as far as they were compared; None before that."""
        self.head: int | None = None

    @property
    def is_subscription_reliable(self) -> bool:
        """Whether the subscription can be relied on to bring every new head."""
        return self._trusted

    def pushed_header(self, number: int) -> Header | None:
        """The header of this height that the subscription has brought last, if any: over HTTP a header comes with the
        hashes of all transactions of its block."""
        return None if self._are_pushed_right is False else self._pushed.get(number)

    @property
    def is_comparison_due(self) -> bool:
        """Whether no header that this socket has brought was compared with the node's own."""
        return self._are_pushed_right is None

    def compare_pushed(self, pushed: Sequence[Header], theirs: Sequence[Header]) -> None:
        """Compare headers that the subscription has brought with the node's at these heights. If a block's time or
        parent differs, no header of this socket is used any more; headers of other blocks show nothing."""
        for ours, right in zip(pushed, theirs, strict=True):
            if ours.hash == right.hash and self._are_pushed_right is not False:
                self._are_pushed_right = (ours.parent_hash, ours.timestamp) == (right.parent_hash, right.timestamp)
                if not self._are_pushed_right:
                    logger.warning("newHeads: block %d has another time or parent than over HTTP", ours.number)

    def end_block(self, number: int) -> None:
        """Let what is `preconfirmed` up to this block be handed over: the block itself is next."""
        self._preconfirmed.end_block(number)

    def forget_pushed(self) -> None:
        """Drop the headers that the subscription brought: what was fetched by them did not fit together."""
        self._pushed.clear()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll())
            if self._ws_url:
                tasks.create_task(self._subscribe(self._ws_url))
                tasks.create_task(self._preconfirmed.run())

    async def wait(self, seconds: float) -> None:
        """Wait for the next sign of life from the node, for at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        self._moved.clear()

    async def refresh(self) -> int:
        """Ask for the head now. Raises Inconsistent if it is beyond what a chain can have, or another NodeError."""
        head = await self._client.number("eth_blockNumber")
        if not 0 <= head <= MAX_BLOCK:
            raise Inconsistent(f"eth_blockNumber: {head} can't be a block's number")
        self._set(head)
        return head

    def _set(self, head: int) -> None:
        self.head = head
        self._moved.set()

    async def _poll(self) -> None:
        while True:
            try:
                head = await self.refresh()
            except NodeError as error:
                logger.warning("eth_blockNumber: %s", error.message)
                pause = self._failures.pause()
            else:
                self._failures.reset()
                pause = self._poll_interval
                if head > self._pushed_head:
                    self._trusted = False
            await asyncio.sleep(max(pause, SLOW_POLL_SECONDS) if self._trusted else pause)

    async def _subscribe(self, url: str) -> None:
        while True:
            try:
                async with connect(
                    url,
                    max_size=16 << 20,
                    ping_interval=20,
                    open_timeout=10,
                    close_timeout=1,
                    # Heads and our logs are small: to compress them takes longer than to send them.
                    compression="deflate" if self._preconfirmed.brings_everything else None,
                ) as socket:
                    self._are_pushed_right = None
                    self._pushed.clear()
                    await socket.send(request_text(RequestId.CHAIN_ID, "eth_chainId", []))
                    await socket.send(request_text(RequestId.HEADS, "eth_subscribe", ["newHeads"]))
                    await self._preconfirmed.subscribe(socket)
                    keep_alive = asyncio.create_task(_keep_alive(socket))
                    try:
                        await self._receive(socket)
                    finally:
                        keep_alive.cancel()
            except WrongChain as error:
                logger.error("newHeads: %s; polling instead", error.message)  # noqa: TRY400 - a line, no traceback
                await asyncio.sleep(WRONG_CHAIN_SECONDS)
            except (OSError, WebSocketException, TimeoutError, ValueError, msgspec.MsgspecError, NodeError) as error:
                reason = error.message if isinstance(error, NodeError) else error
                logger.info("newHeads: %s; polling meanwhile", reason)
            self._trusted = False
            await asyncio.sleep(self._reconnects.pause())

    async def _receive(self, socket: Any) -> None:
        async for text in socket:
            message = parse_message(text)
            if self._preconfirmed.takes(message):
                continue
            if message.id == RequestId.CHAIN_ID:
                self._check_chain(message.result)
            elif message.error is not None:
                raise ValueError(f"refused: {message.error}")
            if message.params is not None:
                await self._receive_head(parse_header(parsed(bytes(message.params.result), _header_decoder)))
        raise ValueError("the node closed the connection")

    def _check_chain(self, answer: Any) -> None:
        """Raise WrongChain if the socket is of another chain; one that does not answer the question is accepted."""
        if isinstance(answer, str) and (chain_id := number_of(answer, "eth_chainId")) != self._chain_id:
            raise WrongChain(f"the socket is on chain {chain_id}, the deployment on chain {self._chain_id}")

    async def _receive_head(self, header: Header) -> None:
        """Process a pushed head. Raises Inconsistent if it is far from the head that the node returns over HTTP."""
        if self.head is None or abs(header.number - self.head) > FAR_BLOCKS:
            head = await self.refresh()
            if abs(header.number - head) > FAR_BLOCKS:
                raise Inconsistent(f"block {header.number} was pushed, while the node's head is {head}")
        self._pushed_head = header.number
        self._pushed[header.number] = header
        self._pushed.pop(header.number - HEADERS_KEPT, None)
        self._trusted = True
        self._reconnects.reset()
        self._set(header.number)
        self._preconfirmed.end_block(header.number)


async def _keep_alive(socket: Any) -> None:
    """Send something every 20 s, whatever the node sends: public endpoints close a socket that sends nothing."""
    while True:
        await asyncio.sleep(KEEP_ALIVE_SECONDS)
        await socket.send(request_text(RequestId.CHAIN_ID, "eth_chainId", []))

"""Limits on what a client may send over a WebSocket, like those of MegaETH's public endpoint."""

import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

PUBLIC_METHODS: Final = frozenset(("eth_subscribe", "eth_unsubscribe", "eth_chainId"))
_ENDING: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


@dataclass(frozen=True, slots=True)
class PublicSocket:
    """A WebSocket for everybody: it takes PUBLIC_METHODS only, so many messages a second, and closes after `idle`
    seconds in which the client has sent nothing, whatever was sent to it."""

    messages_per_second: int = 5
    idle: float = 30.0


async def messages(socket: web.WebSocketResponse, public: PublicSocket | None) -> AsyncIterator[bytes]:
    """The messages of a client until either side closes."""
    recent: deque[float] = deque(maxlen=public.messages_per_second if public else 0)
    while True:
        try:
            message = await socket.receive(public.idle if public else None)
        except TimeoutError:
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"idle")
            return
        if message.type in _ENDING:
            return
        now = time.monotonic()
        if public and len(recent) == public.messages_per_second and recent[0] > now - 1:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
            return
        recent.append(now)
        if message.type is WSMsgType.TEXT:
            yield message.data.encode()

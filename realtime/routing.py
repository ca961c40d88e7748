"""The paths of WebSockets, for Channels' routing."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path
from starlette.types import ASGIApp, Receive, Scope, Send

from realtime.gateway import Gateway
from realtime.hub import Hub
from realtime.replay import Replays


def websockets(hub: Hub, replays: Replays, origins: tuple[str, ...]) -> ASGIApp:
    """The ASGI application of all WebSockets: `/ws` is served, other paths are refused (403).

    `origins` are those whose pages may connect.
    """
    gateway: Any = Gateway.as_asgi(hub=hub, replays=replays, origins=origins)
    others: Any = refuse
    router: ASGIApp = URLRouter([path("ws", gateway), re_path("", others)])
    return router


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that refuses a WebSocket's handshake (403)."""
    await receive()
    await send({"type": "websocket.close"})

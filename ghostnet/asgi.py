"""The entry point of the web server: who answers which path."""

import gc
import os
import re
from typing import Any, Final

from asgi_correlation_id import CorrelationIdMiddleware
from django.conf import settings
from django.core.asgi import get_asgi_application
from prometheus_client import make_asgi_app
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
pages: Final[Any] = get_asgi_application()

from ghostnet.http.bounded import Bounded  # noqa: E402
from ghostnet.http.front import ApiFront  # noqa: E402 - Django must be set up before anything of it is imported
from ghostnet.http.headers import EXPOSED_HEADERS  # noqa: E402
from ghostnet.http.limits import RequestLimit  # noqa: E402
from ghostnet.pages.views import BOARD, CACHED_SECONDS, PAGES  # noqa: E402
from indexer.stream.commits import Heads  # noqa: E402
from indexer.stream.iggy import IggyBroker  # noqa: E402
from indexer.stream.source import BrokerSource, DatabaseSource  # noqa: E402
from realtime.gateway import Gateway  # noqa: E402
from realtime.hub import Hub  # noqa: E402

_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)
"""Ids of a proxy's or a client's that are taken over; anything else could forge a line of the log."""

BOARD_THREADS: Final = 2
MOST_PAGES: Final = 8
"""Pages that are made at the same time: Django makes each on a thread and a connection of its own."""

web = settings.GHOSTNET.web
heads: Final = Heads()
api: Final[ASGIApp] = CORSMiddleware(
    ApiFront(heads, RequestLimit(web.requests_per_minute, web.proxies), web.threads, web.longest_wait),
    allow_origins=web.cors_origins,
    allow_headers=["If-None-Match"],
    expose_headers=EXPOSED_HEADERS,
)

boards: Final = ApiFront(heads, RequestLimit(0, web.proxies), BOARD_THREADS, web.longest_wait, cached=CACHED_SECONDS)
"""The pages' boards: every spectator asks for one after every block."""
few_pages: Final = Bounded(pages, MOST_PAGES)

source: Final = (
    BrokerSource(IggyBroker(settings.GHOSTNET.iggy_url, settings.GHOSTNET.deployment.chain_id))
    if settings.GHOSTNET.iggy_url
    else DatabaseSource()
)
sockets: Final = Gateway(Hub(source, settings.GHOSTNET.reorg_depth), web.cors_origins, web.replay_blocks)

metrics: Final[Any] = make_asgi_app()
"""This process's figures. Not Django's: Prometheus asks by address, which is none of the hosts that Django knows."""


async def _by_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request to who serves its path."""
    if scope["path"].startswith("/api/"):
        await api(scope, receive, send)
    elif scope["query_string"] == BOARD and PAGES.fullmatch(scope["path"]):
        await boards(scope, receive, send)
    elif scope["path"] == "/metrics":
        await metrics(scope, receive, send)
    elif scope["path"].startswith("/health/"):
        await pages(scope, receive, send)
    else:
        await few_pages(scope, receive, send)


requests: Final[ASGIApp] = CorrelationIdMiddleware(_by_path, validator=lambda name: bool(_REQUEST_ID.fullmatch(name)))
"""Every request has an id (X-Request-ID), in its answer and in the log."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """What daphne serves. Sockets come as daphne gives them: :class:`realtime.wire.Wire` writes to its transport."""
    await (sockets if scope["type"] == "websocket" else requests)(scope, receive, send)


# A collection of everything stops all answers for longer than one may take; what start-up made will not go away.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 50, 100)

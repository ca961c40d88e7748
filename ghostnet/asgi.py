"""The ASGI entry point of the web server: which application serves which path."""

import gc
import os
import re
import sys
from typing import Any, Final

import django
from asgi_correlation_id import CorrelationIdMiddleware
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from prometheus_client import make_asgi_app
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from ghostnet.garbage_collection import START_UP_THRESHOLDS
from ghostnet.observability.logs import end_process
from ghostnet.observability.request_ids import add_request_ids
from indexer.base.errors import GhostnetError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
try:
    gc.set_threshold(*START_UP_THRESHOLDS)  # while all is imported: nothing of it is garbage
    django.setup()
    add_request_ids()
except GhostnetError as error:
    end_process(error)

# Django must be set up before anything of what follows is imported.
from api.positions_from_memory import PositionsFromMemory
from ghostnet.http.bodies import BoundedRequest
from ghostnet.http.caching_frontend import CachingFrontend
from ghostnet.http.connection_counts import ConnectionCounts
from ghostnet.http.connections import bounded_http_factory
from ghostnet.http.edge import Edge
from ghostnet.http.fair_reads import FairScheduler
from ghostnet.http.headers import EXPOSED_HEADERS
from ghostnet.http.limits import ClientLimits
from ghostnet.http.page_slots import PageSlots
from ghostnet.http.pages import ThreadedPages
from ghostnet.http.routes import FILES, Routes, is_file
from ghostnet.http.synchronous import NotSynchronous, must_be_synchronous
from ghostnet.pages.views import BOARD, CACHED_SECONDS, PAGES
from indexer.stream.broker import broker_at
from indexer.stream.commits import CommitWatcher
from indexer.stream.source import BrokerSource, DatabaseSource
from realtime.bounds import bounded_factory
from realtime.hub import Hub
from realtime.replay import Replays
from realtime.routing import websockets
from realtime.socket_limits import SocketLimits

_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)
"""Request ids of proxies and clients that are accepted; anything else could forge a line of the log."""

BOARD_THREADS: Final = 2
BOARD_BYTES: Final = 16 << 20
MAX_PAGES: Final = 8
"""Pages that are rendered at the same time: Django renders each on a thread and a connection of its own."""
WAITING_PAGES: Final = 400
"""Requests for pages that may wait for a slot."""
FILES_SHARE: Final = 0.3
"""The work that one address may cause by static files, as a part of what it may cause by all else."""
MAX_SIGN_INS: Final = 1
MAX_PROBES: Final = 2
WAITING_PROBES: Final = 50
"""Requests of probes and of Prometheus that are answered at the same time, and that wait for it."""

SIGN_IN: Final = "/admin/login/"

environment = settings.GHOSTNET
limits: Final = ClientLimits(environment.requests_per_minute, environment.work_per_minute)
commits: Final = CommitWatcher()
api: Final[ASGIApp] = CORSMiddleware(
    Routes(
        CachingFrontend(
            commits,
            limits,
            environment.api_threads,
            environment.longest_wait,
            in_memory=PositionsFromMemory(commits.positions),
        ),
        limits,
        commits=commits,
    ),
    allow_origins=environment.cors_origins,
    allow_headers=["If-None-Match"],
    expose_headers=EXPOSED_HEADERS,
)

boards: Final = CachingFrontend(
    commits,
    limits,
    BOARD_THREADS,
    environment.longest_wait,
    counted=False,
    cached=CACHED_SECONDS,
    cache_bytes=BOARD_BYTES,
)
"""The pages' boards: every browser asks for one after every block."""
pages: Final = ThreadedPages(2 * MAX_PAGES + MAX_SIGN_INS + MAX_PROBES)
limited_pages: Final = Routes(PageSlots(pages, MAX_PAGES, WAITING_PAGES, limits), limits)
sign_ins: Final = PageSlots(pages, MAX_SIGN_INS, WAITING_PAGES, limits)
"""Passwords that are checked: each takes half a second of a core by design, and no page may have to wait for it."""
of_files: Final = ClientLimits(environment.requests_per_minute, environment.work_per_minute * FILES_SHARE)
"""Work for files is counted by itself: a page needs all of its styles and scripts, whatever it has cost."""
files: Final = Routes(PageSlots(pages, MAX_PAGES, WAITING_PAGES, of_files), limits, is_file)
"""Styles and scripts: a browser asks for a dozen with each page, and keeps them."""

source: Final = (
    BrokerSource(broker_at(environment.iggy_url, environment.deployment.chain_id))
    if environment.iggy_url
    else DatabaseSource()
)
hub: Final = Hub(source, commits)
sockets: Final = websockets(hub, Replays(hub, environment.replay_blocks, limits), environment.cors_origins)
socket_limits: Final = SocketLimits(environment.sockets_per_client if limits.active else 0)
connection_counts: Final = ConnectionCounts(
    environment.connections_per_client if limits.active and not environment.proxies else 0
)
"""Connections by address. Behind a proxy all of them are the proxy's, which has to bound its own."""

of_probes: Final = ClientLimits(environment.requests_per_minute, environment.work_per_minute)
"""Work for probes is counted by itself: they are answered, whatever else their address asks for."""
probes: Final = Routes(PageSlots(pages, MAX_PROBES, WAITING_PROBES, of_probes), limits)
metrics: Final = PageSlots(make_asgi_app(), MAX_PROBES, WAITING_PROBES, of_probes)
"""This process's metrics. None of Django's URLs: Prometheus asks by IP address, which ALLOWED_HOSTS does not name."""


async def _by_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Call the application that serves a request's path."""
    if scope["path"].startswith("/api/"):
        await api(scope, receive, send)
    elif scope["query_string"] == BOARD and PAGES.fullmatch(scope["path"]):
        await boards(scope, receive, send)
    elif must_be_synchronous(scope):
        raise NotSynchronous
    elif scope["path"] == "/metrics":
        await metrics(scope, receive, send)
    elif scope["path"].startswith("/health/"):
        await probes(scope, receive, send)
    elif scope["path"].startswith(FILES):
        await files(scope, receive, send)
    elif scope["method"] == "POST" and scope["path"] == SIGN_IN:
        await sign_ins(scope, receive, send)
    else:
        await limited_pages(scope, receive, send)


requests: Final[ASGIApp] = CorrelationIdMiddleware(_by_path, validator=lambda name: bool(_REQUEST_ID.fullmatch(name)))
"""Gives every request an id (X-Request-ID), in its answer and in the log."""


if "daphne.server" in sys.modules:  # it imports this module, then makes its factories
    daphne: Any = sys.modules["daphne.server"]
    daphne.HTTPFactory = bounded_http_factory(BoundedRequest, connection_counts, FairScheduler(), environment.proxies)
    daphne.WebSocketFactory = bounded_factory(socket_limits, connection_counts, environment.proxies)

application: Final[Any] = Edge(ProtocolTypeRouter({"http": requests, "websocket": sockets}), environment.proxies)
"""What daphne serves. No middleware wraps a socket's `send`: :class:`realtime.socket_writer.SocketWriter` needs
daphne's own."""


# Threads that compute give up the interpreter's lock to the event loop so often; by default every 5 ms. The event loop
# gives it up with each call of the kernel, of which an answer takes about ten.
sys.setswitchinterval(0.0001)

# What start-up allocated stays anyway, and is not looked at again. A connection leaves 14 kB of cycles, which have
# outlived a collection of the youngest objects: older ones must be collected often enough for that memory to return.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 5, 20)

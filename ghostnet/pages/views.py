"""The pages' views: each whole page, and the part of it (BOARD) that a browser asks for after a change."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string

from ghostnet.http.database import database_unavailable, retry_on_lost_connection
from ghostnet.http.problems import problem
from ghostnet.pages import board
from ghostnet.pages.wording import SENTENCES
from indexer.domain.units import Address
from indexer.selectors.snapshot import IndexedBlock, snapshot

BOARD: Final = b"part=board"
"""The query of the board alone. Such requests pass the caching frontend, which computes one answer for all browsers."""
PAGES: Final = re.compile(r"/|/player/[^/]+|/scan/\d+/\d+")
"""The paths that have a board. No others may pass that frontend, which knows no sessions, hosts and CSRF tokens."""
CACHED_SECONDS: Final = 5
_FRESH: Final = {"Cache-Control": "no-cache"}
_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}")

Read = Callable[[IndexedBlock], dict[str, Any]]


def spectators(request: HttpRequest) -> HttpResponseBase:
    """The network's page: the game as it stands, and the live feed."""
    return _page(request, "spectators", board.game)


def player(request: HttpRequest, address: str) -> HttpResponseBase:
    """A player's page. 404 for what is no address; an address that never played has a page too."""
    if not _ADDRESS.fullmatch(address):
        raise Http404("that is no address: 0x and 40 hex digits")
    return _page(request, "player", lambda block: board.player(block, Address(address.lower())), address=address)


def find_player(request: HttpRequest) -> HttpResponseBase:
    """The search field's target: redirects to a player's page."""
    return HttpResponseRedirect(f"/player/{request.GET.get('address', '').strip()[:80]}")


def scan(request: HttpRequest, level: int, scan_id: int) -> HttpResponseBase:
    """A scan's page. 404 if there is none."""
    return _page(request, "scan", lambda block: board.scan(block, level, scan_id))


def _page(request: HttpRequest, name: str, read: Read, **page: Any) -> HttpResponseBase:
    if request.META.get("QUERY_STRING", "").encode() == BOARD:
        try:
            return retry_on_lost_connection(lambda: _board(request, name, read))
        except (OperationalError, InterfaceError) as error:
            return database_unavailable(request, error)
    with snapshot() as block:
        if block is None:
            return _whole(request, "empty", {}, status=503, headers={"Retry-After": "5"})
        context = {
            "board": _rendered(request, name, read, block),
            "path": request.path,
            "sentences": SENTENCES,
            **page,
            **board.feed(block),
        }
        return _whole(request, name, context, headers=_FRESH)


def _board(request: HttpRequest, name: str, read: Read) -> HttpResponse:
    with snapshot() as block:
        if block is None:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "nothing is indexed yet", headers={"Retry-After": "5"})
        request.indexed_block = block  # type: ignore[attr-defined]
        return HttpResponse(_rendered(request, name, read, block))


def _rendered(request: HttpRequest, name: str, read: Read, block: IndexedBlock) -> str:
    """A page's board, cached until the next commit."""
    key = f"page:{request.path}:{block.revision}:{block.block_hash}"
    text: str | None = cache.get(key)
    if text is None:
        text = render_to_string(f"{name}_board.html", read(block) | board.standing(block))
        cache.set(key, text, CACHED_SECONDS)
    return text


def _whole(request: HttpRequest, name: str, context: dict[str, Any], **options: Any) -> HttpResponse:
    return HttpResponse(render_to_string(f"{name}.html", context, request), **options)

"""The pages' views: each whole page, and the part of it (BOARD) that a browser asks for after a change."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.core.cache import cache
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string

from ghostnet.http.database import database_unavailable, retry_on_lost_connection
from ghostnet.http.problems import problem
from ghostnet.pages import board, subjects
from ghostnet.pages.search import find
from ghostnet.pages.service_state import service_state
from ghostnet.pages.terms import TERMS, anchor
from indexer.domain.units import MAX_BLOCK, Address, Hash
from indexer.selectors.addresses import checksummed
from indexer.selectors.snapshot import IndexedBlock, snapshot

BOARD: Final = b"part=board"
"""The query of the board alone. Such requests pass the caching frontend, which computes one answer for all browsers."""
PAGES: Final = re.compile(r"/|/player/[^/]+|/scan/\d+/\d+|/round/\d+|/block/\d+|/tx/[^/]+")
"""The paths that have a board. No others may pass that frontend, which checks no sessions, hosts and CSRF tokens."""
CACHED_SECONDS: Final = 1
"""What happens without a commit, a pause or the end of the indexer, is seen after this time at the latest."""
MAX_SEARCH_CHARACTERS: Final = 200
"""Characters of a search that are looked at and shown again."""
_FRESH: Final = {"Cache-Control": "no-cache"}
_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}")
_HASH: Final = re.compile("0x[0-9a-fA-F]{64}")

Read = Callable[[IndexedBlock], dict[str, Any]]


def spectators(request: HttpRequest) -> HttpResponseBase:
    """The network's page: the game as it stands, and the live feed."""
    return _page(request, "spectators", board.game)


def player(request: HttpRequest, address: str) -> HttpResponseBase:
    """A player's page. 404 for what is no address; an address that never played has a page too."""
    if not _ADDRESS.fullmatch(address):
        raise Http404("that is no address: 0x and 40 hex digits")
    who = Address(address.lower())
    return _page(request, "player", lambda block: subjects.player(block, who), player=who, address=checksummed(who))


def scan(request: HttpRequest, level: int, scan_id: int) -> HttpResponseBase:
    """A scan's page. 404 if there is none."""
    return _page(request, "scan", lambda block: subjects.scan(block, level, scan_id), title=f"Scan #{scan_id}")


def round_(request: HttpRequest, round_id: int) -> HttpResponseBase:
    """A market's page. 404 if there is none."""
    return _page(request, "round", lambda block: subjects.round_(block, round_id), title=f"Market #{round_id}")


def block_(request: HttpRequest, number: int) -> HttpResponseBase:
    """A block's page. 404 if it is not indexed."""
    if number >= MAX_BLOCK:
        raise Http404(f"no chain has a block {str(number)[:40]}")
    return _page(request, "block", lambda block: subjects.block_(block, number), title=f"Block {number}")


def transaction(request: HttpRequest, tx_hash: str) -> HttpResponseBase:
    """A transaction's page. 404 for what is no hash, and for one that did nothing in the game."""
    if not _HASH.fullmatch(tx_hash):
        raise Http404("that is no transaction: 0x and 64 hex digits")
    wanted = Hash(tx_hash.lower())
    return _page(request, "transaction", lambda block: subjects.transaction(block, wanted), title="Transaction")


def search(request: HttpRequest) -> HttpResponse:
    """The search field's target: redirects to the page of what was typed, lists those that it may mean, or says that
    there is none (404) and keeps what was typed."""
    typed = request.GET.get("q", "").strip()[:MAX_SEARCH_CHARACTERS]
    if not typed:
        return HttpResponseRedirect("/")
    with snapshot() as block:
        found = [] if block is None else find(typed, block)
        state = service_state()
    if len(found) == 1:
        return HttpResponseRedirect(found[0].href)
    status = HTTPStatus.OK if found else HTTPStatus.NOT_FOUND
    return _whole(
        request, "search", {"typed": typed, "found": found, "service_state": state}, status=status, headers=_FRESH
    )


def _page(request: HttpRequest, name: str, read: Read, player: Address | None = None, **page: Any) -> HttpResponseBase:
    if request.META.get("QUERY_STRING", "").encode() == BOARD:
        try:
            return retry_on_lost_connection(lambda: _board(request, name, read))
        except Error as error:
            answer = database_unavailable(request, error)
            if answer is None:
                raise
            return answer
    with snapshot() as block:
        if block is None:
            return _whole(request, "empty", {}, status=503, headers={"Retry-After": "5"})
        context = {
            "board": _rendered(request, name, read, block),
            "path": request.path,
            "service_state": service_state(),
            "chain": block,
            **page,
            **board.feed(block, player),
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
        text = render_to_string(f"{name}_board.html", read(block) | board.header(block))
        cache.set(key, text, CACHED_SECONDS)
    return text


def _whole(request: HttpRequest, name: str, context: dict[str, Any], **options: Any) -> HttpResponse:
    page = {"terms": [(anchor(word), word, meaning) for word, meaning in TERMS.items()], **context}
    return HttpResponse(render_to_string(f"{name}.html", page, request), **options)

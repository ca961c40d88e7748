"""The pages' views: each whole page, and the part of it (`?part=board`) that a browser asks for after a change."""

import re
from collections.abc import Callable
from typing import Any, Final

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string

from ghostnet.pages import board
from ghostnet.pages.wording import SENTENCES
from indexer.domain.units import Address
from indexer.selectors.snapshot import IndexedBlock, snapshot

CACHED_SECONDS: Final = 10
_FRESH: Final = {"Cache-Control": "no-cache"}
_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}")

Read = Callable[[IndexedBlock], dict[str, Any]]


def spectators(request: HttpRequest) -> HttpResponseBase:
    """The game as it stands, and what happens."""
    return _page(request, "spectators", board.game)


def player(request: HttpRequest, address: str) -> HttpResponseBase:
    """One player. 404 for what is no address; an address that never played has a page too."""
    if not _ADDRESS.fullmatch(address):
        raise Http404("that is no address: 0x and 40 hex digits")
    return _page(request, "player", lambda block: board.player(block, Address(address.lower())), address=address)


def find_player(request: HttpRequest) -> HttpResponseBase:
    """The search field's way to a player's page."""
    return HttpResponseRedirect(f"/player/{request.GET.get('address', '').strip()[:80]}")


def scan(request: HttpRequest, level: int, scan_id: int) -> HttpResponseBase:
    """One scan. 404 if there is none."""
    return _page(request, "scan", lambda block: board.scan(block, level, scan_id))


def _page(request: HttpRequest, name: str, read: Read, **page: Any) -> HttpResponseBase:
    """A page, or its board alone; what is read is kept until the next commit, whoever asks for it."""
    with snapshot() as block:
        if block is None:
            return _whole(request, "empty", {}, status=503, headers={"Retry-After": "5"})
        key = f"page {request.path} {block.revision} {block.block_hash}"
        text: str | None = cache.get(key)
        if text is None:
            text = render_to_string(f"{name}_board.html", read(block) | {"chain": block})
            cache.set(key, text, CACHED_SECONDS)
        if request.GET.get("part") == "board":
            return HttpResponse(text, headers=_FRESH)
        context = {"board": text, "path": request.path, "sentences": SENTENCES, **page} | board.feed(block)
        return _whole(request, name, context, headers=_FRESH)


def _whole(request: HttpRequest, name: str, context: dict[str, Any], **options: Any) -> HttpResponse:
    return HttpResponse(render_to_string(f"{name}.html", context, request), **options)

"""Pages for people."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from indexer.selectors import overview as selectors


def overview(request: HttpRequest) -> HttpResponse:
    """How the game stands, and the newest events; complete without JavaScript."""
    return render(request, "overview.html", {"overview": selectors.overview()})

"""The page that is sent when the requested one is not available at the moment, in the site's design."""

from functools import lru_cache
from typing import Final

from django.template.loader import render_to_string

MAX_KEPT_PAGES: Final = 256
"""Pages that are kept, of 2 kB each: there is one for each reason and each number of seconds."""


def retry_page(reason: str, method: str, wait: int) -> str:
    """The page as HTML: why there is no other, and that a browser which only reads asks again after `wait` seconds."""
    return _page(reason, wait, method in ("GET", "HEAD"))


@lru_cache(MAX_KEPT_PAGES)
def _page(reason: str, wait: int, asks: bool) -> str:
    """The page, rendered once: refusals happen in the event loop and must cost next to nothing."""
    return render_to_string("retry_page.html", {"reason": reason, "wait": wait, "asks": asks})

"""The page in the place of one that can't be had at the moment, in the site's design."""

from django.template.loader import render_to_string


def in_a_moment(reason: str, method: str, wait: int) -> str:
    """The page as HTML: why there is no other, and that a browser which only reads asks again after `wait` seconds."""
    return render_to_string("in_a_moment.html", {"reason": reason, "wait": wait, "asks": method in ("GET", "HEAD")})

"""Times in words: how long ago something was, and how long it is until then. `times.js` does the same."""

from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def ago(seconds: float) -> str:
    """An age: `12 s ago`, `5 min ago`, `7 h ago`, `12 days ago`."""
    return f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """A length of time in one unit, cut off: `12 s`, `5 min`, `7 h`, `12 days`."""
    whole = max(0, int(seconds))
    if whole < 2 * MINUTE:
        return f"{whole} s"
    if whole < 2 * HOUR:
        return f"{whole // MINUTE} min"
    if whole < 2 * DAY:
        return f"{whole // HOUR} h"
    return f"{whole // DAY} days"


def left(seconds: float) -> str:
    """The time left: `4:05`, `1:04:05`, `3 days`; `due` when it is over."""
    whole = round(seconds)
    if whole <= 0:
        return "due"
    if whole >= 2 * DAY:
        return span(whole)
    hours, minutes, rest = whole // HOUR, whole // MINUTE % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Template filters that show the game's values."""

from typing import Any

from django.template import Library
from django.template.defaultfilters import floatformat
from django.utils.html import format_html

from ghostnet.pages import wording
from indexer.base.times import utc_time
from indexer.domain.units import BPS

register = Library()


@register.filter
def data(wei: Any) -> str:
    """Wei as DATA; the exact value on hover."""
    return format_html('<span class="amount" title="{} wei">{}</span>', int(wei), wording.in_tokens(wei))


@register.filter
def player(address: Any) -> str:
    """A player's address, short, as a link to the player's page."""
    return format_html('<a class="hex" href="/player/{0}" title="{0}">{1}</a>', address, wording.short(str(address)))


@register.filter
def short(text: Any) -> str:
    """A hash, shortened; the whole of it on hover."""
    return format_html('<span class="hex" title="{}">{}</span>', text, wording.short(str(text)))


@register.filter
def level(number: Any) -> str:
    """A level's name."""
    return wording.level_name(number)


@register.filter
def percent(bps: Any) -> str:
    """Basis points as percent."""
    return f"{int(bps) / 100:g} %"


@register.filter
def odds(bps: Any) -> str:
    """Odds in basis points as a factor with two decimals."""
    return floatformat(int(bps) / BPS, 2)


@register.filter
def moment(seconds: Any) -> str:
    """Unix seconds as a time in UTC, `never` for what no calendar holds."""
    when = utc_time(int(seconds))
    if when is None:
        return "never"
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), when.strftime("%Y-%m-%d %H:%M:%S"))


@register.filter
def countdown(seconds: Any) -> str:
    """A chain time as the time left until then, which the browser counts down; the time itself without scripts."""
    when = moment(seconds)
    return format_html('<span class="countdown" data-until="{}">{}</span>', int(seconds), when)

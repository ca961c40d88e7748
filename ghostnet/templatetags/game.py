"""How templates show the game's values."""

from datetime import UTC, datetime
from typing import Any

from django.template import Library
from django.template.defaultfilters import floatformat
from django.utils.html import format_html

from ghostnet.pages import wording
from indexer.domain.units import BPS

register = Library()


@register.filter
def data(wei: Any) -> str:
    """Wei as DATA; the exact value is shown on hover."""
    return format_html('<span class="amount" title="{} wei">{}</span>', int(wei), wording.in_tokens(wei))


@register.filter
def player(address: Any) -> str:
    """A player's address, short, as a link to the player's page."""
    return format_html('<a class="hex" href="/player/{0}" title="{0}">{1}</a>', address, wording.short(str(address)))


@register.filter
def short(text: Any) -> str:
    """A hash, shortened; the whole of it is shown on hover."""
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
    """Unix seconds as a time in UTC; what no calendar holds is never."""
    try:
        when = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return "never"
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), when.strftime("%Y-%m-%d %H:%M:%S"))


@register.filter
def countdown(seconds: Any) -> str:
    """A time of the chain as what is left until then: counted down by the browser, the time itself without it."""
    when = moment(seconds)
    return format_html('<span class="countdown" data-until="{}">{}</span>', int(seconds), when)

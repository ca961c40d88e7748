"""Template filters that show the game's values."""

import re
from typing import Any

from django.template import Library
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe

from ghostnet.pages import times, wording
from ghostnet.pages.names import name_of
from ghostnet.pages.service_state import words_of
from ghostnet.pages.terms import TERMS, anchor
from indexer.base.times import utc_time
from indexer.domain.units import BPS
from indexer.selectors.addresses import checksummed

register = Library()


@register.filter
def data(wei: Any) -> str:
    """Wei as a number of DATA; the exact value on hover. For columns that name the unit."""
    return format_html('<span class="amount" title="{} wei">{}</span>', int(wei), wording.in_tokens(wei))


@register.filter
def tokens(wei: Any) -> str:
    """Wei as DATA, with the unit."""
    return format_html('<span class="amount" title="{} wei">{} DATA</span>', int(wei), wording.in_tokens(wei))


@register.filter
def player(address: Any) -> str:
    """An address: a player's, short, as a link to the player's page; the name of any other."""
    text = checksummed(str(address))
    if name := name_of(text):
        return format_html('<span title="{}">{}</span>', text, name)
    return format_html('<a class="hex" href="/player/{0}" title="{0}">{1}</a>', text, wording.short(text))


@register.filter
def short(text: Any) -> str:
    """A hash or a long number, shortened; the whole of it on hover."""
    return format_html('<span class="hex" title="{}">{}</span>', text, wording.short(str(text)))


@register.filter
def tx(tx_hash: Any) -> str:
    """A transaction's hash, short, as a link to its page."""
    return format_html('<a class="hex" href="/tx/{0}" title="{0}">{1}</a>', tx_hash, wording.short(str(tx_hash)))


@register.filter
def block(number: Any) -> str:
    """A block's number as a link to its page."""
    return format_html('<a href="/block/{0}">{0}</a>', int(number))


@register.filter
def level(number: Any) -> str:
    """A level's name."""
    return wording.level_name(number)


@register.filter
def marked(text: str) -> str:
    """Text in which what stands in backticks is code, and what stands in stars a name."""
    names = re.sub(r"\*([^*]+)\*", r"<em>\1</em>", escape(text))
    return mark_safe(re.sub("`([^`]+)`", r"<code>\1</code>", names))  # noqa: S308 - escaped


@register.filter
def alarm(kind: Any) -> str:
    """An alarm's kind in words: `the indexer has halted`."""
    return words_of(kind)


@register.filter
def counted(number: Any) -> str:
    """A number with its thousands apart: `12,345`."""
    return f"{int(number):,}"


@register.filter
def percent(bps: Any) -> str:
    """Basis points as percent."""
    return wording.percent(bps)


@register.filter
def multiplier(bps: Any) -> str:
    """Odds in basis points as a factor: `×1.85`; `no bets yet` for a side without any."""
    return f"×{int(bps) / BPS:.2f}" if int(bps) else "no bets yet"


@register.filter
def moment(seconds: Any) -> str:
    """Unix seconds as an age, with the exact time; `never` for what no calendar holds."""
    when = utc_time(int(seconds))
    return "never" if when is None else age(when)


@register.filter
def age(when: Any) -> str:
    """A time as an age, with the exact time; browsers let it grow."""
    return _time("age", when, times.ago((timezone.now() - when).total_seconds()))


@register.simple_tag
def countdown(seconds: Any, now: Any) -> str:
    """A chain time as the time left until then at `now` (both unix seconds), which browsers count down; `never` for
    what no calendar holds."""
    when = utc_time(int(seconds))
    return "never" if when is None else _time("countdown", when, times.left(int(seconds) - int(now)))


@register.simple_tag
def term(word: str, text: str = "") -> str:
    """A word of the game as a button that explains it."""
    return format_html(
        '<button type="button" class="term" popovertarget="{}" title="{}">{}</button>',
        anchor(word),
        TERMS[word],
        text or word,
    )


def _time(kind: str, when: Any, text: str) -> str:
    exact = when.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>', kind, when.strftime("%Y-%m-%dT%H:%M:%SZ"), exact, text
    )


@register.filter
def stamp(when: Any) -> str:
    """A time to the second, as operators compare it with logs; its age on hover."""
    since = times.ago((timezone.now() - when).total_seconds())
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', when.isoformat(), since, when.strftime("%Y-%m-%d %H:%M:%S")
    )

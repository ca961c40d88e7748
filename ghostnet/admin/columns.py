"""The display of a table's columns in the admin, by their type."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import admin
from django.db.models import BooleanField, DateTimeField, Field, IntegerField, Model
from django.utils.html import format_html, format_html_join

from ghostnet.pages.templatetags.game import stamp
from ghostnet.pages.wording import in_tokens, in_words, level_name, short
from indexer.base.times import utc_time
from indexer.domain.betting import RoundType
from indexer.domain.positions import BoostType
from indexer.models.fields import AddressField, HexField, UintField
from indexer.selectors.addresses import checksummed
from indexer.selectors.arguments import shown_arguments

NUMBERS: Final = {"scan_id", "round_id", "seed", "line", "epoch", "reset_epoch", "acc_rewards_per_share"}
"""Columns of the type of amounts that hold other numbers."""
IN_ETH: Final = {("toll", "amount"), ("buyback", "eth_spent")}
"""Amounts of ETH, by table and column; all others are of DATA."""

_ORDINALS: Final = re.compile("number|head|index|revision|id$")
"""What the names of columns contain that hold whole numbers which count nothing."""

Show = Callable[[Any], str]


def column_of(field: "Field[Any, Any]", *, whole: bool = False) -> Any:
    """A column for a field, of lists, or of a row's page, which shows an event's arguments `whole`."""
    show = every_argument if whole and field.name == "args" else _display_of(field) or str

    @admin.display(description=_heading(field), ordering=field.name)
    def column(row: Model) -> str:
        value = getattr(row, field.name)
        return "–" if value is None else show(value)

    column.__name__ = column_name(field)
    return column


def column_name(field: "Field[Any, Any]") -> str:
    """The name of a field's column, which its cells' class has too: `quantity_…` for what is compared by size."""
    show = _display_of(field)
    counts = show is None and isinstance(field, IntegerField) and not _ORDINALS.search(field.name)
    return f"{'quantity' if counts or show in (amount, ether) else 'shown'}_{field.name}"


def _heading(field: "Field[Any, Any]") -> str:
    """A column's name, with the unit of what stands in it."""
    show, name = _display_of(field), str(field.verbose_name)
    unit = {amount: "DATA", ether: "ETH", seconds: "UTC", stamp: "UTC"}.get(show) if show else None
    return f"{name}, {unit}" if unit else name


def _display_of(field: "Field[Any, Any]") -> Show | None:
    if field.name in _BY_NAME:
        return _BY_NAME[field.name]
    if isinstance(field, UintField):
        return number if field.name in NUMBERS else seconds if field.max_digits == 20 else _currency(field)
    return next((show for kind, show in _BY_TYPE.items() if isinstance(field, kind)), None)


def address(value: str) -> str:
    """An account: short, whole on hover, with a button that copies it and a link to the player's page."""
    return _copyable(checksummed(value), f"/player/{value}")


def hexadecimal(value: str) -> str:
    """A hash or bytes: short, whole on hover, with a button that copies it."""
    return _copyable(value)


def transaction(value: str) -> str:
    """A transaction's hash: short, with a button that copies it and a link to what the game did in it."""
    return _copyable(value, f"/tx/{value}")


def amount(value: int) -> str:
    """Wei as DATA; the exact value on hover."""
    return format_html('<span title="{} wei">{}</span>', value, in_tokens(value))


def ether(value: int) -> str:
    """Wei as ETH; the exact value on hover."""
    return format_html('<span title="{} wei">{}</span>', value, in_tokens(value, 6))


def arguments(value: Mapping[str, Any]) -> str:
    """An event's arguments in a line, long values shortened; all of them on hover."""
    shown = shown_arguments(value)
    named = {name: _argument(name, one) for name, one in shown.items() if f"{name}_name" not in shown}
    line = ", ".join(f"{in_words(name.removesuffix('_name'))} {one}" for name, one in named.items())
    return format_html('<span title="{}">{}</span>', shown, line)


def _argument(name: str, value: Any) -> str:
    """An argument in short: wei as a whole token's part, of DATA or ETH, hex and long numbers shortened, else words."""
    text = str(value)
    if re.fullmatch("0x[0-9a-fA-F]*|[0-9]+", text) is None:
        return in_words(text)
    is_wei = isinstance(value, str) and name not in NUMBERS and re.fullmatch(r"[0-9]{13,}", text) is not None
    return in_tokens(text, 4) if is_wei else short(text)


def every_argument(value: Mapping[str, Any]) -> str:
    """An event's arguments, each in a line of its own."""
    return format_html_join("", "{}: {}<br>", shown_arguments(value).items())


def number(value: int) -> str:
    """A wide number, shortened where it is long."""
    return format_html('<span title="{}">{}</span>', value, short(str(value)))


def seconds(value: int) -> str:
    """Unix seconds as a time in UTC, `never` for what no calendar holds; its age on hover."""
    time = utc_time(value)
    return format_html('<span title="{}">never</span>', value) if time is None else stamp(time)


def _currency(field: UintField) -> Show:
    return ether if (field.model._meta.model_name, field.name) in IN_ETH else amount


def _level(value: int) -> str:
    return level_name(value) if value in range(1, 6) else "–"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def _round_type(value: int) -> str:
    return in_words(RoundType(value).name.lower())


def _boost_type(value: int) -> str:
    return in_words(BoostType(value).name.lower()) if value in set(BoostType) else str(value)


def _copyable(text: str, href: str = "") -> str:
    shown = format_html('<a href="{}" title="{}">{}</a>', href, text, short(text)) if href else short(text)
    return format_html(
        '<code title="{0}">{1}</code>'
        ' <button type="button" class="copy" data-text="{0}" aria-label="copy {0}">copy</button>',
        text,
        shown,
    )


_BY_NAME: Final[dict[str, Show]] = {
    "level": _level,
    "target_level": _level,
    "round_type": _round_type,
    "boost_type": _boost_type,
    "args": arguments,
    "tx_hash": transaction,
    **dict.fromkeys(("action", "step", "status", "evidence", "kind"), in_words),
}
_BY_TYPE: Final[dict[type, Show]] = {
    AddressField: address,
    HexField: hexadecimal,
    BooleanField: _yes_or_no,
    DateTimeField: stamp,
}

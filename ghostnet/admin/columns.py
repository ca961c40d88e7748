"""The display of a table's columns in the admin, by their type."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin
from django.db.models import Field, Model
from django.utils.html import format_html

from ghostnet.pages.wording import in_tokens, level_name, short
from indexer.base.times import utc_time
from indexer.models.fields import AddressField, HexField, UintField
from indexer.selectors.addresses import checksummed

NUMBERS: Final = {"scan_id", "round_id", "seed", "line", "epoch", "reset_epoch", "acc_rewards_per_share"}
"""Columns of the type of amounts that hold other numbers."""
LEVELS: Final = {"level", "target_level"}

Show = Callable[[Any], str]


def column_of(field: "Field[Any, Any]") -> Any:
    """A list's column for a field: a function, or the field's name where Django's own display is used."""
    show = _display_of(field)
    if show is None:
        return field.name

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(row: Model) -> str:
        value = getattr(row, field.name)
        return "–" if value is None else show(value)

    column.__name__ = f"shown_{field.name}"
    return column


def _display_of(field: "Field[Any, Any]") -> Show | None:
    if isinstance(field, AddressField):
        return address
    if isinstance(field, HexField):
        return hexadecimal
    if isinstance(field, UintField):
        if field.name in NUMBERS:
            return number
        return seconds if field.max_digits == 20 else amount
    return _level if field.name in LEVELS else None


def address(value: str) -> str:
    """An account: short, whole on hover, with a button that copies it and a link to the player's page."""
    return _copyable(checksummed(value), f"/player/{value}")


def hexadecimal(value: str) -> str:
    """A hash or bytes: short, whole on hover, with a button that copies it."""
    return _copyable(value)


def amount(value: int) -> str:
    """Wei as DATA; the exact value on hover."""
    return format_html('<span title="{} wei">{}</span>', value, in_tokens(value))


def number(value: int) -> str:
    """A wide number, shortened where it is long."""
    return format_html('<span title="{}">{}</span>', value, short(str(value)))


def seconds(value: int) -> str:
    """Unix seconds as a time in UTC, `never` for what no calendar holds; the number on hover."""
    time = utc_time(value)
    text = "never" if time is None else time.strftime("%Y-%m-%d %H:%M:%S")
    return format_html('<span title="{}">{}</span>', value, text)


def _level(value: int) -> str:
    return level_name(value) if value in range(6) else str(value)


def _copyable(text: str, href: str = "") -> str:
    shown = format_html('<a href="{}" title="{}">{}</a>', href, text, short(text)) if href else short(text)
    return format_html(
        '<code title="{0}">{1}</code>'
        ' <button type="button" class="copy" data-text="{0}" aria-label="copy {0}">copy</button>',
        text,
        shown,
    )

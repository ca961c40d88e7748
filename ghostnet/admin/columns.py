"""The display of a table's columns in the admin, by their type."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin
from django.db.models import BooleanField, DateTimeField, Field, Model
from django.utils.html import format_html

from ghostnet.pages.templatetags.game import stamp
from ghostnet.pages.wording import in_tokens, level_name, short
from indexer.base.times import utc_time
from indexer.domain.betting import RoundType
from indexer.domain.positions import BoostType
from indexer.models.fields import AddressField, HexField, UintField
from indexer.selectors.addresses import checksummed

NUMBERS: Final = {"scan_id", "round_id", "seed", "line", "epoch", "reset_epoch", "acc_rewards_per_share"}
"""Columns of the type of amounts that hold other numbers."""

Show = Callable[[Any], str]


def column_of(field: "Field[Any, Any]") -> Any:
    """A column for a field, of lists and of a row's page."""
    show = _display_of(field) or str

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(row: Model) -> str:
        value = getattr(row, field.name)
        return "–" if value is None else show(value)

    column.__name__ = f"shown_{field.name}"
    return column


def _display_of(field: "Field[Any, Any]") -> Show | None:
    if field.name in _BY_NAME:
        return _BY_NAME[field.name]
    if isinstance(field, UintField):
        return number if field.name in NUMBERS else seconds if field.max_digits == 20 else amount
    return next((show for kind, show in _BY_TYPE.items() if isinstance(field, kind)), None)


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
    """Unix seconds as a time in UTC, `never` for what no calendar holds; its age on hover."""
    time = utc_time(value)
    return format_html('<span title="{}">never</span>', value) if time is None else stamp(time)


def _level(value: int) -> str:
    return level_name(value) if value in range(1, 6) else "–"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def _round_type(value: int) -> str:
    return RoundType(value).name.replace("_", " ").lower()


def _boost_type(value: int) -> str:
    return BoostType(value).name.replace("_", " ").lower() if value in set(BoostType) else str(value)


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
}
_BY_TYPE: Final[dict[type, Show]] = {
    AddressField: address,
    HexField: hexadecimal,
    BooleanField: _yes_or_no,
    DateTimeField: stamp,
}

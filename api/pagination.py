"""Pages of lists: a cursor names the last row that was seen, so rows that come or go before it move nothing."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

import msgspec
from django.db.models import Model, Q, QuerySet
from ninja import Query

from api.errors import BadInput

Row = TypeVar("Row", bound=Model)

Cursor = Annotated[
    str | None, Query(max_length=300, description="`next_cursor` of the page before; of the same question only.")
]
Limit100 = Annotated[int, Query(ge=1, le=100, description="How many, at most 100.")]
Limit1000 = Annotated[int, Query(ge=1, le=1000, description="How many, at most 1000.")]
MOST_DIGITS: Final = 78


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the cursor of the next page, None at the end."""

    items: list[Any]
    next_cursor: str | None


def paginate(
    rows: "QuerySet[Row]", order: tuple[str, ...], cursor: str | None, limit: int, item: Callable[[Row], Any]
) -> Page:
    """The rows after the cursor's, the greatest first by these integer columns, which together are unique.

    Raises BadInput for a cursor that is none, or of another order.
    """
    if cursor is not None:
        rows = rows.filter(_after(order, _decode(cursor, order)))
    found = list(rows.order_by(*(f"-{column}" for column in order))[: limit + 1])
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return Page([item(row) for row in found[:limit]], None if last is None else _encode(order, last))


def _after(order: tuple[str, ...], values: list[int]) -> Q:
    """Rows that come after the one with these values."""
    condition, equal = Q(pk__in=[]), Q()
    for column, value in zip(order, values, strict=True):
        condition |= equal & Q(**{f"{column}__lt": value})
        equal &= Q(**{column: value})
    return condition


def _encode(order: tuple[str, ...], row: Model) -> str:
    values = [str(int(getattr(row, column))) for column in order]
    return base64.urlsafe_b64encode(msgspec.json.encode([".".join(order), *values])).decode().rstrip("=")


def _decode(cursor: str, order: tuple[str, ...]) -> list[int]:
    try:
        document = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str])
        name, *texts = document
        if name == ".".join(order) and all(len(text) <= MOST_DIGITS for text in texts) and len(texts) == len(order):
            return [int(text) for text in texts]
    except (ValueError, binascii.Error) as error:
        raise BadInput([("cursor", "not a cursor that any list gave")]) from error
    raise BadInput([("cursor", "the cursor of another list")])

"""Pages of lists: a cursor names the last row that was seen, so rows that come or go before it move nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from django.db.models import Model, Q, QuerySet
from ninja import Query

from api.errors import BadInput

Row = TypeVar("Row", bound=Model)
Row_co = TypeVar("Row_co", bound=Model, covariant=True)

Cursor = Annotated[
    str | None, Query(max_length=300, description="`next_cursor` of the page before; of the same question only.")
]
Limit100 = Annotated[int, Query(ge=1, le=100, description="How many, at most 100.")]
Limit1000 = Annotated[int, Query(ge=1, le=1000, description="How many, at most 1000.")]
Offset = Annotated[
    int | None, Query(ge=0, le=1_000_000, description="Leave out so many, and tell the total; a cursor is steadier.")
]
MOST_DIGITS: Final = 78
_SEARCH: Final = ("searched",)


class Found(Protocol[Row_co]):
    """What a bounded search found: rows, and the id below which it goes on, None at the end."""

    @property
    def rows(self) -> Sequence[Row_co]: ...
    @property
    def reached(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the cursor of the next page, None at the end; `total` where it was asked by offset."""

    items: list[Any]
    next_cursor: str | None
    total: int | None = None


def paginate(
    rows: "QuerySet[Row]",
    order: tuple[str, ...],
    cursor: str | None,
    limit: int,
    item: Callable[[Row], Any],
    *,
    offset: int | None = None,
) -> Page:
    """The rows after the cursor's, the greatest first by these integer columns, which together are unique.

    With `offset` so many of them are left out, and the page tells how many there are in all. Raises BadInput for a
    cursor that is none, or of another order.
    """
    total = None if offset is None else rows.count()
    if cursor is not None:
        rows = rows.filter(_after(order, _decode(cursor, order)))
    first = offset or 0
    found = list(rows.order_by(*(f"-{column}" for column in order))[first : first + limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page([item(row) for row in found[:limit]], None if last is None else _encode(order, last), total)


def paginate_found(search: Callable[[int | None], Found[Row]], cursor: str | None, item: Callable[[Row], Any]) -> Page:
    """What a search finds below the cursor's id, or from the start; it may find less than a page and go on all the
    same.

    Raises BadInput for a cursor that is none, or of another list.
    """
    before = None if cursor is None else _decode(cursor, _SEARCH)[0]
    found = search(before)
    following = None if found.reached is None else _encoded(_SEARCH, [found.reached])
    return Page([item(row) for row in found.rows], following)


def _after(order: tuple[str, ...], values: list[int]) -> Q:
    """Rows that come after the one with these values."""
    condition, equal = Q(pk__in=[]), Q()
    for column, value in zip(order, values, strict=True):
        condition |= equal & Q(**{f"{column}__lt": value})
        equal &= Q(**{column: value})
    return condition


def _encode(order: tuple[str, ...], row: Model) -> str:
    return _encoded(order, [int(getattr(row, column)) for column in order])


def _encoded(order: tuple[str, ...], values: list[int]) -> str:
    texts = [".".join(order), *map(str, values)]
    return base64.urlsafe_b64encode(msgspec.json.encode(texts)).decode().rstrip("=")


def _decode(cursor: str, order: tuple[str, ...]) -> list[int]:
    try:
        document = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str])
        name, *texts = document
        if name == ".".join(order) and all(len(text) <= MOST_DIGITS for text in texts) and len(texts) == len(order):
            return [int(text) for text in texts]
    except (ValueError, binascii.Error) as error:
        raise BadInput([("cursor", "not a cursor that any list gave")]) from error
    raise BadInput([("cursor", "the cursor of another list")])

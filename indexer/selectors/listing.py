"""Lists of rows in a total order, read page by page (keyset pagination)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """Rows of a table, the greatest first by `order`: integer columns that together are unique.

    A page begins after the last row of the page before, wherever that row is now: rows that come or go before it do not
    shift the page.
    """

    rows: "QuerySet[Row]"
    order: tuple[str, ...] = ("id",)

    def first(self, limit: int) -> list[Row]:
        """The first `limit` rows."""
        return self.after(None, limit)

    def after(self, key: Sequence[int] | None, limit: int, offset: int = 0) -> list[Row]:
        """`limit` rows after the row with this key (None: from the first one on), `offset` of them left out."""
        rows = self.rows if key is None else self.rows.filter(_beyond(self.order, key))
        return list(rows.order_by(*(f"-{column}" for column in self.order))[offset : offset + limit])

    def count(self) -> int:
        """The number of all rows."""
        return self.rows.count()

    def key_of(self, row: Row) -> list[int]:
        """The key of a row: its values of the columns of `order`."""
        return [int(getattr(row, column)) for column in self.order]


def _beyond(order: tuple[str, ...], key: Sequence[int]) -> Q:
    """Selects the rows that come after the one with this key."""
    condition, equal = Q(pk__in=[]), Q()
    for column, value in zip(order, key, strict=True):
        condition |= equal & Q(**{f"{column}__lt": value})
        equal &= Q(**{column: value})
    return condition

"""Pages of lists: opaque cursors around the keys of `indexer.selectors.listing`."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from django.db.models import Model
from ninja import Query

from api.errors import BadInput
from indexer.selectors.listing import Listing

Row = TypeVar("Row", bound=Model)
Row_co = TypeVar("Row_co", bound=Model, covariant=True)

Cursor = Annotated[
    str | None, Query(max_length=300, description="`next_cursor` of the page before, with the same other parameters.")
]
Limit100 = Annotated[int, Query(ge=1, le=100, description="How many, at most 100.")]
Limit1000 = Annotated[int, Query(ge=1, le=1000, description="How many, at most 1000.")]
Offset = Annotated[
    int | None,
    Query(ge=0, le=1_000_000, description="Leave out so many rows, and answer with the total; a cursor is steadier."),
]
MAX_DIGITS: Final = 78
_SEARCH: Final = ("searched",)


class SearchResult(Protocol[Row_co]):
    """What a bounded search found: rows, and the id below which it goes on, None at the end."""

    @property
    def rows(self) -> Sequence[Row_co]: ...
    @property
    def reached(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list, and the cursor of the next page, None at the end; `total` is None without an offset."""

    items: list[Any]
    next_cursor: str | None
    total: int | None = None


def paginate(
    listing: Listing[Row],
    cursor: str | None,
    limit: int,
    item: Callable[[Row], Any] | None = None,
    *,
    offset: int | None = None,
) -> Page:
    """The rows of a listing after the cursor's, each as `item` makes it.

    With `offset` so many of them are left out, and the page has the number of all rows as `total`. Raises BadInput for
    an invalid cursor, or one of another order.
    """
    total = None if offset is None else listing.count()
    key = None if cursor is None else _decode(cursor, listing.order)
    found = listing.after(key, limit + 1, offset or 0)
    following = _encode(listing.order, listing.key_of(found[limit - 1])) if len(found) > limit else None
    return Page(found[:limit] if item is None else [item(row) for row in found[:limit]], following, total)


def paginate_search(search: Callable[[int | None], SearchResult[Row]], cursor: str | None) -> Page:
    """What a search finds below the cursor's id, or from the start on; a page may be short although more follows.

    Raises BadInput for an invalid cursor, or one of another list.
    """
    before = None if cursor is None else _decode(cursor, _SEARCH)[0]
    found = search(before)
    following = None if found.reached is None else _encode(_SEARCH, [found.reached])
    return Page(list(found.rows), following)


def _encode(order: tuple[str, ...], key: Sequence[int]) -> str:
    texts = [".".join(order), *map(str, key)]
    return base64.urlsafe_b64encode(msgspec.json.encode(texts)).decode().rstrip("=")


def _decode(cursor: str, order: tuple[str, ...]) -> list[int]:
    try:
        document = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str])
        name, *texts = document
        if name == ".".join(order) and all(len(text) <= MAX_DIGITS for text in texts) and len(texts) == len(order):
            return [int(text) for text in texts]
    except (ValueError, binascii.Error) as error:
        raise BadInput([("cursor", "this is no cursor: send the `next_cursor` of the page before, or none")]) from error
    raise BadInput([("cursor", "this is the cursor of another list, or of another order of it")])

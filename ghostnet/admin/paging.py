"""Pages of lists of any length: a list is cut into stretches of MAX_COUNTED rows, of which one is paged at a time."""

from functools import cached_property
from typing import Any, Final, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from indexer.selectors.rows import raw_connection
from indexer.timescale.status import approximate_rows

MAX_COUNTED: Final = 5_000
"""Rows of a stretch: a list is counted no further, and has pages no further."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts rows up to MAX_COUNTED."""

    @cached_property
    def count(self) -> int:
        return len(cast("QuerySet[Any]", self.object_list).values_list("pk", flat=True)[:MAX_COUNTED])

    @property
    def is_full(self) -> bool:
        """Whether there may be more rows than are counted."""
        return self.count == MAX_COUNTED


class StretchFilter(admin.SimpleListFilter):
    """A filter that leads from the newest stretch of a table to the next older one (`?before=ID`)."""

    title = "age"
    parameter_name = "before"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        rows = model_admin.model.objects.order_by("-pk")
        before = self.used_parameters.get(self.parameter_name)
        if before is not None:
            rows = rows.filter(pk__lt=_row_id(before))
        end = rows.values_list("pk", flat=True)[MAX_COUNTED - 1 : MAX_COUNTED].first()
        known = [] if before is None else [(before, f"before {before}")]
        return known if end is None else [*known, (str(end), f"the {MAX_COUNTED} before those")]

    def has_output(self) -> bool:
        """Show the filter for a single choice too, which Django does not: all other rows are the newest."""
        return bool(self.lookup_choices)

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        before = self.value()
        return queryset if before is None else queryset.filter(pk__lt=_row_id(before))


def _row_id(text: Any) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 20):
        raise IncorrectLookupParameters(f"{text!r} is no id")
    return int(text)


def approximate_size(model: type[Model]) -> str:
    """The number of a table's rows according to the server's statistics, as a text; empty for few."""
    rows = approximate_rows(raw_connection(), model._meta.db_table)
    return f"about {rows:,} rows" if rows > MAX_COUNTED else ""

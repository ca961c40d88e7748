"""How long lists are paged: by stretches of MOST_COUNTED rows, each of which begins where the last one ended."""

from functools import cached_property
from typing import Any, Final, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from indexer.timescale.features import has_timescaledb

MOST_COUNTED: Final = 5_000
"""Rows of a stretch: a list is counted no further, and has pages no further."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than MOST_COUNTED."""

    @cached_property
    def count(self) -> int:
        return len(cast("QuerySet[Any]", self.object_list).values_list("pk", flat=True)[:MOST_COUNTED])


class StretchFilter(admin.SimpleListFilter):
    """Leads from one stretch of a table, the newest first, to the next older one (`?before=ID`)."""

    title = "age"
    parameter_name = "before"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        rows = model_admin.model.objects.order_by("-pk")
        before = self.used_parameters.get(self.parameter_name)
        if before is not None:
            rows = rows.filter(pk__lt=_place(before))
        end = rows.values_list("pk", flat=True)[MOST_COUNTED - 1 : MOST_COUNTED].first()
        known = [] if before is None else [(before, f"before {before}")]
        return known if end is None else [*known, (str(end), f"the {MOST_COUNTED} before those")]

    def has_output(self) -> bool:
        """Also where there is one choice only: all others are the newest."""
        return bool(self.lookup_choices)

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        before = self.value()
        return queryset if before is None else queryset.filter(pk__lt=_place(before))


def _place(text: Any) -> int:
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 20):
        raise IncorrectLookupParameters(f"{text!r} is no id")
    return int(text)


def about(model: type[Model]) -> str:
    """How many rows a table has, as the server's statistics have it; empty for few."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if has_timescaledb(connection):
            cursor.execute("SELECT approximate_row_count(%s::regclass)", [table])
        else:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
        (rows,) = cursor.fetchone()
    return f"about {rows:,} rows" if rows > MOST_COUNTED else ""

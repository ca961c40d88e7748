"""The admin's list of any table: read only, the newest rows first, and fast on millions of rows."""

import re
from collections.abc import Callable
from typing import Any, Final

from django.apps import apps
from django.contrib import admin, messages
from django.db import OperationalError, connection, transaction
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from psycopg.errors import QueryCanceled

from ghostnet.admin.columns import column_name, column_of
from ghostnet.admin.filters import filters_of
from ghostnet.admin.order import SORTABLE, rank, shown_columns
from ghostnet.admin.paging import BoundedPaginator, StretchFilter, approximate_size
from indexer.domain.units import ADDRESS_PATTERN, HASH_PATTERN, MAX_BLOCK, first_id
from indexer.models.fields import AddressField, HashField

_NUMBERED: Final = {"scan_id": "a scan", "round_id": "a round", "number": "a block", "block_time": "a block"}
"""Columns by which rows are found by a number, and of what."""
QUERY_TIMEOUT: Final = "10s"
MAX_RELATED: Final = 10
"""Rows of another table on a row's page."""


class RowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A table of the indexer, read only. Search takes addresses, transactions, numbers of scans, rounds and blocks."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count all of a table's rows for each choice
    list_per_page = 50
    change_form_template = "admin/row.html"
    ordering = ("-pk",)

    class Media:
        js = ("ghostnet/copy.js",)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns that matter, the row's block first."""
        columns = [column_of(self._field(name)) for name in shown_columns(self.model)]
        if any(field.name == "block_time" for field in _columns(self.model)):
            columns.insert(0, "block")
        return ["row_page", *columns]

    def _field(self, name: str) -> "Field[Any, Any]":
        found: Field[Any, Any] = self.model._meta.get_field(name)
        return found

    def get_sortable_by(self, request: HttpRequest) -> list[str | Callable[[Any], str | bool]]:
        """The row's block, which the primary key begins with, and the columns of SORTABLE."""
        return ["block", *(column_name(self._field(name)) for name in SORTABLE.get(self.model.__name__, ()))]

    @property
    def search_help_text(self) -> str:  # type: ignore[override]
        """What this table's rows can be searched for; empty for nothing."""
        columns = _columns(self.model)
        names = {field.name for field in columns}
        numbers = dict.fromkeys(word for name, word in _NUMBERED.items() if name in names)
        found = {
            "an address (in any casing)": any(isinstance(field, AddressField) for field in columns),
            "a hash": any(isinstance(field, HashField) for field in columns),
            f"the number of {' or '.join(numbers)}": numbers,
        }
        return ", ".join(text for text, possible in found.items() if possible)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Whether there is a search: `get_search_results` finds the columns."""
        return ["pk"] if self.search_help_text else []

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The filters of this table's own words, and by age."""
        by_age = [StretchFilter] if self.model._meta.pk.name == "id" else []
        return [*filters_of(self.model, {field.name for field in _columns(self.model)}), *by_age]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All columns, shown as in the list."""
        names = sorted((field.name for field in _columns(self.model)), key=lambda name: rank(self.model, name))
        return [column_of(self._field(name), whole=True) for name in names]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A row's page, with the newest of the rows that belong to it."""
        row = self.get_object(request, object_id)
        related = [] if row is None else [_related(request, row, *one) for one in RELATED.get(_name(row), ())]
        return super().change_view(request, object_id, form_url, {"related": related, **(extra_context or {})})

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; a message of how to narrow it if the query takes longer than QUERY_TIMEOUT."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [QUERY_TIMEOUT])
                title = self.model._meta.verbose_name_plural
                context = {
                    "title": str(title).capitalize(),
                    "subtitle": approximate_size(self.model),
                    **(extra_context or {}),
                }
                response = super().changelist_view(request, context)
                if isinstance(response, TemplateResponse):
                    response.render()
                return response
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled) or not request.GET:
                raise
            messages.error(request, "That took too long. Search for a block or an address, or choose fewer filters.")
            return HttpResponseRedirect(request.path)

    @admin.display(description="row")
    def row_page(self, row: Any) -> str:
        """The word by which a row's own page is reached."""
        return "open"

    @admin.display(description="block", ordering="pk")
    def block(self, row: Any) -> int:
        """The row's block."""
        found: int = row.block_number
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        """The rows that have the term in a column; none, and a message, for a term that can't be searched for."""
        term = search_term.strip()
        if not term:
            return queryset, False
        condition = self._condition(term)
        if condition is None:
            messages.warning(request, f"{term!r} is nothing that can be searched for here: {self.search_help_text}")
            return queryset.none(), False
        return queryset.filter(condition), False

    def _condition(self, term: str) -> Q | None:
        fields = self.model._meta.get_fields()
        names = {field.name for field in fields}
        if re.fullmatch(ADDRESS_PATTERN, term):
            columns = [field.name for field in fields if isinstance(field, AddressField)]
            return _any({column: term.lower() for column in columns})
        if re.fullmatch(HASH_PATTERN, term):
            columns = [field.name for field in fields if isinstance(field, HashField)]
            return _any({column: term.lower() for column in columns})
        if re.fullmatch("[0-9]{1,12}", term) and int(term) < MAX_BLOCK:
            condition = _any({name: int(term) for name in ("scan_id", "round_id", "number") if name in names})
            if "block_time" in names:
                block = Q(id__gte=first_id(int(term)), id__lt=first_id(int(term) + 1))
                condition = block if condition is None else condition | block
            return condition
        return None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


RELATED: Final = {
    "CurrentPosition": (
        ("changes", "position", "address"),
        ("deaths", "death", "address"),
        ("bets", "currentbet", "address"),
        ("boosts", "boost", "address"),
    ),
    "CurrentScan": (("steps", "scan", "scan_id"), ("deaths", "death", "scan_id")),
    "Death": (("scan", "currentscan", "scan_id"), ("position", "currentposition", "address")),
    "CurrentRound": (("changes", "round", "round_id"), ("bets", "currentbet", "round_id")),
    "CurrentBet": (("round", "currentround", "round_id"), ("position", "currentposition", "address")),
    "AccountTotal": (("position", "currentposition", "address"), ("transfers", "tokentransfer", "address")),
}
"""By model: what belongs to a row in words, the table that has it, and the column whose value both have."""


def _columns(model: type[Model]) -> "list[Field[Any, Any]]":
    return [field for field in model._meta.get_fields() if isinstance(field, Field)]


def _name(row: Model) -> str:
    return type(row).__name__


def _any(values: dict[str, Any]) -> Q | None:
    found: Q | None = None
    for column, value in values.items():
        found = Q(**{column: value}) if found is None else found | Q(**{column: value})
    return found


def _related(request: HttpRequest, row: Model, text: str, model: str, column: str) -> dict[str, Any]:
    """The newest rows of a table that belong to a row, as many as fit its page, and the link to all.

    They have the row's value in the column of the same name, or in any column that is searched where there is none.
    """
    value = getattr(row, column)
    other = apps.get_model("indexer", model)
    rows = other.objects.order_by("-pk")
    if any(field.name == column for field in _columns(other)):
        found, query = rows.filter(**{column: value}), f"{column}={value}"
    else:
        found, _ = admin.site._registry[other].get_search_results(request, rows, str(value))
        query = f"q={value}"
    columns = [column_of(other._meta.get_field(name)) for name in shown_columns(other)]
    return {
        "text": text,
        "href": f"/admin/indexer/{model}/?{query}",
        "headings": [one.short_description for one in columns],
        "rows": [
            (f"/admin/indexer/{model}/{one.pk}/change/", [column(one) for column in columns])
            for one in found[:MAX_RELATED]
        ],
    }

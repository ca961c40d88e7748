"""The admin's list of any table: read only, the newest rows first, and fast on millions of rows."""

import re
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import OperationalError, connection, transaction
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html_join
from psycopg.errors import QueryCanceled

from ghostnet.admin.columns import column_of
from ghostnet.admin.paging import BoundedPaginator, StretchFilter, approximate_size
from indexer.domain.levels import LevelId
from indexer.domain.positions import Action, Status
from indexer.domain.units import MAX_BLOCK, first_id
from indexer.models.fields import AddressField, HashField
from indexer.stream.feed import EVENT_NAMES

LONGEST_QUERY: Final = "10s"


class _Choice(admin.SimpleListFilter):
    """A filter whose choices are known without a query."""

    choices_of: ClassVar[dict[Any, str]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return list(self.choices_of.items())

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        value = self.value()
        if value is None:
            return queryset
        if value not in map(str, self.choices_of):
            raise IncorrectLookupParameters(f"{self.title} has no choice {value!r}")
        return queryset.filter(**{self.parameter_name or "": value})


def _choice(name: str, choices: dict[Any, str]) -> type[_Choice]:
    return type(f"{name}Filter", (_Choice,), {"title": name, "parameter_name": name, "choices_of": choices})


FIRST: Final = (
    "block_time",
    "address",
    "scan_id",
    "round_id",
    "level",
    "status",
    "action",
    "step",
    "amount",
    "amount_change",
)
LAST: Final = ("event_id", "tx_hash", "tx_index")
FILTERS: Final = {
    "level": _choice("level", {level.value: level.name.replace("_", " ") for level in LevelId if level}),
    "status": _choice("status", {status.value: status.value for status in Status}),
    "action": _choice("action", {action.value: action.value for action in Action}),
    "name": _choice("name", {name: name for name in sorted(EVENT_NAMES)}),
    "resolved": "resolved",
    "block_time": "block_time",
    "detected_at": "detected_at",
}
"""The filters by column; those of dates are Django's own."""


class RowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A table of the indexer, read only. Search takes addresses, transactions, numbers of scans, rounds and blocks."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_display_links = None
    sortable_by = ()
    ordering = ("-pk",)
    search_fields = ("pk",)
    search_help_text = "an address (in any casing), a transaction hash, or the number of a scan, a round or a block"

    class Media:
        js = ("ghostnet/copy.js",)
        css: ClassVar = {"all": ["ghostnet/admin.css"]}

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Every column: the row's block first, then those of FIRST, and those of LAST last."""
        fields = _columns(self.model)
        in_chain = any(field.name == "block_time" for field in fields)
        shown = [field for field in fields if not (in_chain and field.name == "id")]
        shown.sort(key=_rank)
        return [
            *(["block"] if in_chain else []),
            *(["see_also"] if self.model.__name__ in RELATED else []),
            *map(column_of, shown),
        ]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The filters whose columns this table has."""
        names = {field.name for field in _columns(self.model)}
        by_age = [StretchFilter] if self.model._meta.pk.name == "id" else []
        return [*(FILTERS[name] for name in FILTERS if name in names), *by_age]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; a message of how to narrow it if the query takes longer than LONGEST_QUERY."""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [LONGEST_QUERY])
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

    @admin.display(description="block")
    def block(self, row: Any) -> int:
        """The row's block."""
        found: int = row.block_number
        return found

    @admin.display(description="see also")
    def see_also(self, row: Any) -> str:
        """Rows of other tables that belong to this one."""
        links = [
            (f"/admin/indexer/{model}/?q={getattr(row, column)}", text) for text, model, column in RELATED[_name(row)]
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', links)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> tuple["QuerySet[Any]", bool]:
        """The rows that have the term in a column; none, and a message, for a term that can't be searched for."""
        term = search_term.strip()
        if not term:
            return queryset, False
        condition = self._condition(term)
        if condition is None:
            messages.warning(request, f"{term!r} is no {self.search_help_text}, or this table has no such column")
            return queryset.none(), False
        return queryset.filter(condition), False

    def _condition(self, term: str) -> Q | None:
        fields = self.model._meta.get_fields()
        names = {field.name for field in fields}
        if re.fullmatch("0[xX][0-9a-fA-F]{40}", term):
            columns = [field.name for field in fields if isinstance(field, AddressField)]
            return _any({column: term.lower() for column in columns})
        if re.fullmatch("0[xX][0-9a-fA-F]{64}", term):
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
"""By model: the texts of links, the tables they lead to, and the columns whose values are searched for there."""


def _columns(model: type[Model]) -> "list[Field[Any, Any]]":
    return [field for field in model._meta.get_fields() if isinstance(field, Field)]


def _rank(field: "Field[Any, Any]") -> int:
    if field.name in FIRST:
        return FIRST.index(field.name)
    return len(FIRST) + (field.name in LAST)


def _name(row: Model) -> str:
    return type(row).__name__


def _any(values: dict[str, Any]) -> Q | None:
    found: Q | None = None
    for column, value in values.items():
        found = Q(**{column: value}) if found is None else found | Q(**{column: value})
    return found

"""The filters of the admin's lists, by the columns of each table."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ghostnet.pages.wording import in_words, level_name
from indexer.decode.contract_abi import CONTRACTS
from indexer.domain.betting import RoundType
from indexer.domain.levels import LevelId
from indexer.domain.positions import Action, Status
from indexer.domain.scans import Evidence, ScanStep
from indexer.rules.registry import HANDLERS
from indexer.store.incidents import IncidentKind


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
    known = {"title": in_words(name), "parameter_name": name, "choices_of": choices}
    return type(f"{name}Filter", (_Choice,), known)


def _words(name: str, *choices: str) -> type[_Choice]:
    return _choice(name, {str(choice): in_words(str(choice)) for choice in choices})


_LEVELS: Final = {level.value: level_name(level) for level in LevelId if level}
_ROUND_TYPES: Final = {kind.value: in_words(kind.name.lower()) for kind in RoundType}
_EVENTS: Final = sorted({event.__name__ for of_contract in HANDLERS.values() for event in of_contract})
_ORIGINS: Final = {
    "ChainEvent": _choice("name", {name: name for name in _EVENTS}),
    "Position": _words("action", *Action),
    "CurrentPosition": _words("action", *Action),
    "Round": _words("action", "created", "bet_placed", "resolved"),
    "CurrentRound": _words("action", "created", "bet_placed", "resolved"),
    "Bet": _words("action", "placed", "claimed"),
    "CurrentBet": _words("action", "placed", "claimed"),
    "Incident": _words("kind", *IncidentKind),
}
"""By table the filter by what its rows come from."""
FILTERS: Final = {
    "level": _choice("level", _LEVELS),
    "target_level": _choice("target_level", _LEVELS),
    "status": _words("status", *Status),
    "step": _words("step", *ScanStep),
    "evidence": _words("evidence", *Evidence),
    "round_type": _choice("round_type", _ROUND_TYPES),
    "contract": _words("contract", *CONTRACTS),
    "resolved": "resolved",
    "claimed": "claimed",
    "block_time": "block_time",
    "detected_at": "detected_at",
    "at": "at",
    "finished_at": "finished_at",
}
"""The filters by column; those of dates are Django's own."""


def filters_of(model: type[Model], columns: set[str]) -> list[Any]:
    """The filters of a table with these columns."""
    own = _ORIGINS.get(model.__name__)
    return [*([own] if own else []), *(one for name, one in FILTERS.items() if name in columns)]

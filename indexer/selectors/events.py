"""Search in the archive of events, newest first; each search reads a bounded part of it."""

from dataclasses import dataclass
from typing import Final

from django.db.models import BooleanField, Func, Q, TextField, Value
from django.db.models.functions import Cast

from indexer.domain.units import Address, Hash, first_id
from indexer.models import ChainEvent
from indexer.selectors.blocks import BlockEvents, block_of_transaction, events_in, transaction_sender

MAX_SCANNED: Final = 20_000
"""Events that one search reads: an index on all arguments of all events would cost the writer more than rare searches
are worth."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events to find; None for any. Blocks are inclusive."""

    name: str | None
    contract: str | None
    address: Address | None
    from_block: int | None
    to_block: int | None


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """Events, newest first; the search goes on below the id `reached`, None if there is nothing left."""

    rows: list[ChainEvent]
    reached: int | None


def search(wanted: EventFilter, before: int | None, limit: int) -> FoundEvents:
    """At most `limit` of the wanted events with an id below `before` (None: from the newest on)."""
    rows = ChainEvent.objects.order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    if wanted.from_block is not None:
        rows = rows.filter(id__gte=first_id(wanted.from_block))
    if wanted.to_block is not None:
        rows = rows.filter(id__lt=first_id(wanted.to_block + 1))
    last = rows.values_list("id", flat=True)[MAX_SCANNED - 1 : MAX_SCANNED].first()
    part = rows if last is None else rows.filter(id__gte=last)
    found = list(part.filter(_condition(wanted))[: limit + 1])
    if len(found) > limit:
        return FoundEvents(found[:limit], found[limit - 1].id)
    return FoundEvents(found, last)


@dataclass(frozen=True, slots=True)
class TransactionEvents:
    """What the game did in a transaction of a block: its events in order; `sender` None where it is unknown."""

    tx: Hash
    sender: str | None
    within: BlockEvents

    @property
    def events(self) -> list[ChainEvent]:
        return [event for event in self.within.events if event.tx_hash == self.tx]


def events_of(tx: Hash) -> TransactionEvents | None:
    """The events of an indexed transaction; None for one in which the game did nothing, or that is not indexed."""
    block = block_of_transaction(tx)
    return None if block is None else TransactionEvents(tx, transaction_sender(tx, block), events_in(block))


class _Involves(Func):
    """Whether one of an event's arguments is this text."""

    template = "jsonb_path_exists(args, '$.* ? (@ == $wanted)', jsonb_build_object('wanted', %(expressions)s))"
    output_field = BooleanField()


def _condition(wanted: EventFilter) -> Q:
    condition = Q()
    if wanted.name is not None:
        condition &= Q(name=wanted.name)
    if wanted.contract is not None:
        condition &= Q(contract=wanted.contract)
    if wanted.address is not None:
        condition &= Q(_Involves(Cast(Value(wanted.address), TextField())))
    return condition

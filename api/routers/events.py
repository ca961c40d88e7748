"""`/events`, `/blocks` and `/transactions`: the contracts' events, decoded."""

from typing import Annotated

from django.http import Http404
from ninja import Path, Query, Router

from api import schemas
from api.answers import get
from api.errors import BadInput
from api.inputs import ACCOUNT_PATTERN, NAME_PATTERN, TRANSACTION_PATTERN, address_in
from api.pagination import Cursor, Limit100, Page, paginate_search
from indexer.domain.events import EVENT_NAMES
from indexer.domain.units import MAX_BLOCK, Hash
from indexer.selectors.blocks import BlockEvents, events_in
from indexer.selectors.events import EventFilter, TransactionEvents, events_of, search
from indexer.selectors.snapshot import IndexedBlock
from indexer.selectors.status import contracts

router = Router(tags=["events"])
blocks = Router(tags=["events"])
transactions = Router(tags=["events"])

Name = Annotated[str | None, Query(pattern=NAME_PATTERN, description="The event's name, as JackedIn.")]
Contract = Annotated[str | None, Query(pattern=NAME_PATTERN, description="The contract's name, as GhostCore.")]
Involved = Annotated[
    str | None, Query(pattern=ACCOUNT_PATTERN, description="An account that is one of the event's arguments.")
]
FromBlock = Annotated[int | None, Query(ge=0, le=MAX_BLOCK, description="The first block.")]
BlockNumber = Annotated[int, Path(ge=0, le=MAX_BLOCK, description="The block's number.")]
HashIn = Annotated[str, Path(pattern=TRANSACTION_PATTERN, description="The transaction's hash, in any casing.")]
ToBlock = Annotated[int | None, Query(ge=0, le=MAX_BLOCK, description="The last block.")]


@get(router, "", schemas.Events, "Decoded events")
def events(
    checkpoint: IndexedBlock,
    *,
    name: Name = None,
    contract: Contract = None,
    address: Involved = None,
    from_block: FromBlock = None,
    to_block: ToBlock = None,
    limit: Limit100 = 50,
    cursor: Cursor = None,
) -> Page:
    """Events of the seven contracts, the newest first, of blocks `from_block` to `to_block` (both included).

    One request looks through a bounded part of the chain: a page may hold fewer than `limit` events, or none, though
    more follow. The list ends where `next_cursor` is null.
    """
    _check_names(name, contract)
    wanted = EventFilter(name, contract, None if address is None else address_in(address), from_block, to_block)
    return paginate_search(lambda before: search(wanted, before, limit), cursor)


@get(blocks, "/{number}", schemas.BlockEvents, "What the game did in a block")
def block_events(checkpoint: IndexedBlock, number: BlockNumber) -> BlockEvents:
    """The block's events in order; 404 for a block that is not indexed."""
    if not checkpoint.start_block <= number <= checkpoint.block_number:
        raise Http404(f"block {number} is not indexed; {checkpoint.start_block} to {checkpoint.block_number} are")
    return events_in(number)


@get(transactions, "/{tx_hash}", schemas.TransactionEvents, "What the game did in a transaction")
def transaction_events(checkpoint: IndexedBlock, tx_hash: HashIn) -> TransactionEvents:
    """The transaction's events in order; 404 for one that is not indexed, or in which the game did nothing."""
    found = events_of(Hash(tx_hash.lower()))
    if found is None:
        raise Http404(
            f"no transaction {tx_hash.lower()} up to block {checkpoint.block_number} did anything in the game"
        )
    return found


def _check_names(name: str | None, contract: str | None) -> None:
    """Raise BadInput for names that no event or contract has, in this casing: a typo must not look like silence."""
    problems = []
    if name is not None and name not in EVENT_NAMES:
        problems.append(("name", f"no contract has such an event; there are {', '.join(EVENT_NAMES)}"))
    if contract is not None and contract not in (known := sorted(contracts())):
        problems.append(("contract", f"there is no such contract; there are {', '.join(known)}"))
    if problems:
        raise BadInput(problems)

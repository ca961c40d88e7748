"""Read the archived chain: blocks with their events, undecoded logs, calldata and the node's answers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from indexer.base.errors import GhostnetError
from indexer.domain.chain import Header, Transaction
from indexer.domain.units import NO_HASH, Calldata, Hash, address_of, block_of, first_id, hash_of, log_index_of, to_hex
from indexer.records.rows import ChainEventRow, ChainTransactionRow, UndecodedLogRow, WitnessAnswerRow
from indexer.store.loader import Snapshot
from indexer.store.tables import tables

_BLOCKS_AT_ONCE: Final = 1_000


class ArchiveIncomplete(GhostnetError):
    """Rows are missing from the archive."""

    help = "The database was changed by hand, restored in part, or is older than chain_blocks: index it anew."


class ArchivedEvent(NamedTuple):
    """A decoded log; `args` by their names."""

    event_id: int
    tx_hash: Hash
    tx_index: int
    contract: str
    name: str
    args: dict[str, Any]


@dataclass(slots=True)
class ArchivedLog:
    """A log that could not be decoded when it was indexed, as the node sent it."""

    address: str
    topics: list[str]
    data: str
    transaction_hash: str
    transaction_index: str
    log_index: str


@dataclass(frozen=True, slots=True)
class ArchivedBlock:
    """A block with at least one log or transaction of the contracts; `answers` of the node by question
    (RememberedWitness)."""

    header: Header
    transactions: list[Transaction] = field(default_factory=list)
    events: list[ArchivedEvent] = field(default_factory=list)
    undecoded: list[ArchivedLog] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)


def archived_blocks(snapshot: Snapshot, first: int) -> Iterator[list[ArchivedBlock]]:
    """The archived blocks from `first` up to the snapshot's, in chain order, some hundred at a time.

    Blocks without logs of the contracts are not archived. Raises ArchiveIncomplete if rows of a block are archived
    without the block itself.
    """
    start = first_id(first)
    while start < snapshot.end_id:
        headers = snapshot.rows(
            f"SELECT * FROM chain_blocks WHERE id >= %(start)s AND id < %(end)s ORDER BY id LIMIT {_BLOCKS_AT_ONCE}",
            {"start": start, "end": snapshot.end_id},
        )
        blocks = {block_of(row.id): ArchivedBlock(_header(row)) for row in headers}
        end = first_id(max(blocks) + 1) if len(blocks) == _BLOCKS_AT_ONCE else snapshot.end_id
        try:
            _fill(snapshot, blocks, start, end)
        except KeyError as error:
            raise ArchiveIncomplete(f"rows of block {error} are archived, but not the block") from error
        yield list(blocks.values())
        start = end


def _fill(snapshot: Snapshot, blocks: dict[int, ArchivedBlock], start: int, end: int) -> None:
    """Add to blocks, by their numbers, their archived rows with ids from `start` to below `end`."""
    for row in _rows(snapshot, ChainEventRow, start, end):
        event = ArchivedEvent(row.id, hash_of(row.tx_hash), row.tx_index, row.contract, row.name, json.loads(row.args))
        blocks[block_of(row.id)].events.append(event)
    for row in _rows(snapshot, ChainTransactionRow, start, end):
        blocks[block_of(row.id)].transactions.append(
            Transaction(
                log_index_of(row.id),
                hash_of(row.tx_hash),
                address_of(row.sender),
                None if row.recipient is None else address_of(row.recipient),
                Calldata(to_hex(row.input)),
            )
        )
    for row in _rows(snapshot, UndecodedLogRow, start, end):
        position = to_hex(row.tx_hash), hex(row.tx_index), hex(log_index_of(row.id))
        log = ArchivedLog(address_of(row.address), json.loads(row.topics), to_hex(row.data), *position)
        blocks[block_of(row.id)].undecoded.append(log)
    for row in _rows(snapshot, WitnessAnswerRow, start, end):
        blocks[block_of(row.id)].answers[row.question] = json.loads(row.answer)


def _rows(snapshot: Snapshot, kind: type[Any], start: int, end: int) -> Iterator[Any]:
    """The archive's rows with ids from `start` to below `end`; JSON columns as text."""
    table, json_columns = tables()[kind], {"args", "topics", "answer"}
    columns = ", ".join(f"{name}::text" if name in json_columns else name for name in table.columns)
    return snapshot.rows(
        f"SELECT {columns} FROM {table.name} WHERE id >= %(start)s AND id < %(end)s ORDER BY id",
        {"start": start, "end": end},
    )


def _header(row: Any) -> Header:
    return Header(block_of(row.id), hash_of(row.hash), NO_HASH, int(row.timestamp))

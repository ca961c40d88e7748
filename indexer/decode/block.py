"""Decode a fetched block: its logs become events, with rows for the archive; what can't be decoded is kept raw."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from indexer.decode.decoder import LogDecoder, MalformedLog
from indexer.domain.chain import Block, DecodedLog
from indexer.domain.records import ChainEventRow, ChainTransactionRow, UndecodedLogRow, new_tuple
from indexer.domain.units import LOG_INDEX_BITS, Address, BlockTime, Calldata, Hash, Json, Text


class RawLog(Protocol):
    """A log as a node sends it: hex strings."""

    address: str
    topics: list[str]
    data: str
    transaction_hash: str
    transaction_index: str
    log_index: str


@dataclass(slots=True)
class Archive:
    """The rows that keep the chain itself, in chain order."""

    events: list[ChainEventRow] = field(default_factory=list)
    transactions: list[ChainTransactionRow] = field(default_factory=list)
    undecoded: list[UndecodedLogRow] = field(default_factory=list)


def decode_logs(decoder: LogDecoder, block: Block, raw_logs: Sequence[RawLog], archive: Archive) -> None:
    """Decode a block's raw logs (in log order) into the block, and archive them."""
    first_id = block.number << LOG_INDEX_BITS
    time = BlockTime(block.timestamp)
    add_log, add_row, by_place = block.logs.append, archive.events.append, decoder.by_place
    for raw in raw_logs:
        log_id = first_id | int(raw.log_index, 16)
        tx_index, tx_hash = int(raw.transaction_index, 16), Hash(raw.transaction_hash)
        topics = raw.topics
        try:
            found = by_place.get((raw.address, topics[0])) if topics else None
            if found is None:
                raise decoder.why_unknown(raw.address, topics)
            contract, (name, _, decode, to_json) = found
            event = decode(topics, raw.data)
        except (MalformedLog, ValueError) as error:
            archive.undecoded.append(_undecoded(log_id, time, tx_index, raw, error))
            continue
        add_log(new_tuple(DecodedLog, (log_id, tx_index, tx_hash, contract, event)))
        add_row(new_tuple(ChainEventRow, (log_id, time, tx_hash, tx_index, contract, name, to_json(event))))


def archive_transactions(block: Block, archive: Archive) -> None:
    """Keep the calldata that the rules read."""
    first_id = block.number << LOG_INDEX_BITS
    archive.transactions += [
        ChainTransactionRow(
            first_id | transaction.tx_index,
            BlockTime(block.timestamp),
            transaction.hash,
            transaction.sender,
            transaction.recipient,
            transaction.input,
        )
        for transaction in block.transactions
    ]


def _undecoded(log_id: int, time: BlockTime, tx_index: int, raw: RawLog, error: Exception) -> UndecodedLogRow:
    reason = error.message if isinstance(error, MalformedLog) else str(error)
    return UndecodedLogRow(
        log_id,
        time,
        Hash(raw.transaction_hash),
        tx_index,
        Address(raw.address),
        Json(json.dumps(raw.topics)),
        Calldata(raw.data),
        Text(reason),
    )

"""Decode a block: its logs become events, with rows for the archive; logs that can't be decoded are kept raw."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from indexer.decode.decoder import LogDecoder, MalformedLog
from indexer.domain.chain import Block, DecodedLog, Header, Transaction
from indexer.domain.units import Address, BlockTime, Calldata, Hash, Json, Text, first_id, quantity
from indexer.records.rows import (
    ChainBlockRow,
    ChainEventRow,
    ChainTransactionRow,
    Row,
    UndecodedLogRow,
    new_tuple,
)


class RawLog(Protocol):
    """A log as a node sends it: every field in hex, with `0x`."""

    address: str
    topics: list[str]
    data: str
    transaction_hash: str
    transaction_index: str
    log_index: str


@dataclass(slots=True)
class Archive:
    """The rows that archive the chain, in chain order."""

    blocks: list[ChainBlockRow] = field(default_factory=list)
    events: list[ChainEventRow] = field(default_factory=list)
    transactions: list[ChainTransactionRow] = field(default_factory=list)
    undecoded: list[UndecodedLogRow] = field(default_factory=list)

    def add_block(self, header: Header) -> None:
        """Archive a block in which the contracts did something."""
        self.blocks.append(
            ChainBlockRow(first_id(header.number), BlockTime(header.timestamp), header.hash, header.timestamp)
        )

    def rows(self) -> dict[type[Row], list[Any]]:
        """All rows, by row class."""
        return {
            ChainBlockRow: self.blocks,
            ChainEventRow: self.events,
            ChainTransactionRow: self.transactions,
            UndecodedLogRow: self.undecoded,
        }


def decode_block(
    decoder: LogDecoder, header: Header, transactions: list[Transaction], raw_logs: Sequence[RawLog], archive: Archive
) -> Block:
    """Decode a block's raw logs, which are in log order, and add its events and calldata to the archive.

    The block itself is added by `Archive.add_block` if the contracts did anything in it.
    """
    block = Block(header, transactions=transactions)
    block_id, time = first_id(header.number), BlockTime(header.timestamp)
    archive.transactions += [ChainTransactionRow(block_id | calls[0], time, *calls[1:]) for calls in transactions]
    decode_logs(decoder, block, raw_logs, archive)
    return block


def decode_logs(decoder: LogDecoder, block: Block, raw_logs: Sequence[RawLog], archive: Archive) -> None:
    """Decode raw logs, which are in log order, into their block; archive each as an event or as undecoded."""
    block_id = first_id(block.header.number)
    time = BlockTime(block.header.timestamp)
    add_log, add_row, known = block.logs.append, archive.events.append, decoder.by_address_and_topic
    tx_hash, tx_index = Hash(""), 0
    for raw in raw_logs:
        log_id = block_id | quantity(raw.log_index)
        if raw.transaction_hash != tx_hash:
            tx_hash, tx_index = Hash(raw.transaction_hash), quantity(raw.transaction_index)
        topics = raw.topics
        try:
            found = known.get((raw.address, topics[0])) if topics else None
            if found is None:
                raise decoder.why_unknown(raw.address, topics)
            contract, (name, _, decode) = found
            event, arguments = decode(topics, raw.data)
        except MalformedLog as error:
            archive.undecoded.append(_undecoded(log_id, time, tx_index, raw, error))
            continue
        add_log(new_tuple(DecodedLog, (log_id, tx_index, tx_hash, contract, event)))
        add_row(new_tuple(ChainEventRow, (log_id, time, tx_hash, tx_index, contract, name, arguments)))


def _undecoded(log_id: int, time: BlockTime, tx_index: int, raw: RawLog, error: MalformedLog) -> UndecodedLogRow:
    return UndecodedLogRow(
        log_id,
        time,
        Hash(raw.transaction_hash),
        tx_index,
        Address(raw.address),
        Json(json.dumps(raw.topics)),
        Calldata(raw.data),
        Text(error.message),
    )

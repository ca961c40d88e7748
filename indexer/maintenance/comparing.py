"""Compare the archived blocks with blocks fetched from a node: their logs, and the calldata that was kept."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from psycopg import Connection

from indexer.chain.blocks import FetchedBlock
from indexer.decode.block import Archive, decode_block
from indexer.decode.decoder import LogDecoder
from indexer.domain.units import log_index_of
from indexer.store.archive import ArchivedBlock, archived_blocks
from indexer.store.loader import Snapshot

Item = tuple[Any, ...]
"""A log or calldata in a block, in a form that is the same for archive and node; it begins with kind and place."""
Items = dict[int, frozenset[Item]]
"""The items of each block with a log of the contracts, by the block's number."""


class BlockDifference(NamedTuple):
    """A block whose fetched logs are not those of the archive: what the archive lacks, and what the node lacks."""

    number: int
    lacking: frozenset[Item]
    surplus: frozenset[Item]

    def __str__(self) -> str:
        parts = [
            f"{len(items)} {what} ({', '.join(_name(item) for item in sorted(items, key=_place)[:3])})"
            for what, items in (("not in the archive", self.lacking), ("not in the node's answer", self.surplus))
            if items
        ]
        return f"block {self.number}: {'; '.join(parts)}"


def archived_items(connection: Connection[Any], first: int, last: int) -> Items:
    """The archived items of blocks first to last, all of them indexed. Raises BlockNotIndexed."""
    found = {}
    for blocks in archived_blocks(Snapshot(connection, last), first):
        for block in blocks:
            if items := frozenset(_archived(block)):
                found[block.header.number] = items
    return found


def fetched_items(decoder: LogDecoder, blocks: Iterable[FetchedBlock]) -> Items:
    """The items that fetched blocks would leave in the archive."""
    return {block.header.number: frozenset(_fetched(decoder, block)) for block in blocks if block.logs}


def differences(ours: Mapping[int, frozenset[Item]], theirs: Mapping[int, frozenset[Item]]) -> list[BlockDifference]:
    """The blocks, in order, whose archived logs and calldata are not those that the node returned."""
    nothing: frozenset[Item] = frozenset()
    return [
        BlockDifference(number, here - mine, mine - here)
        for number in sorted(ours.keys() | theirs.keys())
        if (mine := ours.get(number, nothing)) != (here := theirs.get(number, nothing))
    ]


def _archived(block: ArchivedBlock) -> Iterator[Item]:
    for event in block.events:
        place = log_index_of(event.event_id), event.tx_index, event.tx_hash
        yield ("log", *place, event.contract, event.name, json.dumps(event.args, sort_keys=True))
    for log in block.undecoded:
        numbers = int(log.log_index, 16), int(log.transaction_index, 16)
        yield ("undecoded log", *numbers, log.transaction_hash, log.address, json.dumps(log.topics), log.data)
    for transaction in block.transactions:
        yield ("calldata", *transaction)
    if block.events or block.undecoded:
        yield ("header", 0, block.header.hash, block.header.timestamp)


def _fetched(decoder: LogDecoder, block: FetchedBlock) -> Iterator[Item]:
    archive = Archive()
    decode_block(decoder, block.header, block.transactions, block.logs, archive)
    for event in archive.events:
        place = log_index_of(event.id), event.tx_index, str(event.tx_hash)
        yield ("log", *place, event.contract, event.name, json.dumps(json.loads(event.args), sort_keys=True))
    for log in archive.undecoded:
        place = log_index_of(log.id), log.tx_index, str(log.tx_hash)
        yield ("undecoded log", *place, log.address, json.dumps(json.loads(log.topics)), log.data)
    for transaction in block.transactions:
        yield ("calldata", *transaction)
    yield ("header", 0, block.header.hash, block.header.timestamp)


def _place(item: Item) -> tuple[int, str]:
    return item[1], item[0]


def _name(item: Item) -> str:
    what, place, *rest = item
    return what if what == "header" else f"{what} {place} {rest[3] if what == 'log' else rest[0]}"

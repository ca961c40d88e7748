"""Upgrades of the contracts, as far as they show: a rule breaks after logs that can't be decoded; logs that were kept
can be decoded by now."""

import json
from typing import Any, Final

from psycopg import Connection

from indexer.chain.blocks import FetchedRange
from indexer.decode.block import Archive, decode_block
from indexer.decode.decoder import LogDecoder, MalformedLog
from indexer.domain.units import block_of, first_id, log_index_of
from indexer.rules.errors import InvariantBroken
from indexer.store.undecoded import KeptLog, first_kept, kept_with_topics

RECENT_BLOCKS: Final = 100_000
"""Blocks below the last applied one in which undecoded logs may be why a rule breaks: a day of MegaETH's."""


class ContractsChanged(InvariantBroken):
    """The mirror and the chain disagree after logs that can't be decoded."""

    help = (
        "Most likely the contracts were upgraded, and the log named last is of a new event, or of a new version of a "
        "known one. Quarantine nothing before it is explained. Add the events of the upgraded ABI (CONTRIBUTING.md, "
        '"Upgrade a contract"); '
        "if that log is indexed, run `manage.py rebuild_state --from-block` with its block; then start again. "
        "Everything before the block named first is written, nothing of it; nothing is lost meanwhile."
    )


def with_undecoded(
    connection: Connection[Any], decoder: LogDecoder, error: InvariantBroken, tip: int, fetched: FetchedRange
) -> InvariantBroken:
    """A contradiction behind the last applied block `tip`, in a fetched range; if logs before it could not be decoded,
    which may be its cause, the same as ContractsChanged."""
    kept = first_kept(connection, first_id(max(0, tip - RECENT_BLOCKS)))
    where = _place(kept) if kept is not None else _first_undecoded(decoder, tip, fetched)
    if where is None:
        return error
    return ContractsChanged(f"{error.message}; it comes after a log that could not be decoded: {where}")


def decodable_now(connection: Connection[Any], decoder: LogDecoder) -> str | None:
    """What to do about kept logs that can be decoded by now; None if there are none."""
    topics = {topic0 for _, topic0 in decoder.by_address_and_topic}
    found = [kept for kept in kept_with_topics(connection, sorted(topics)) if _is_decodable(decoder, kept)]
    if not found:
        return None
    first = block_of(found[0].id)
    return (
        f"{len(found)} logs can be decoded now that could not be when they were indexed, the first in block {first}:"
        f" stop the indexer and run `manage.py rebuild_state --from-block {first}`, or the tables go on lacking them"
    )


def _is_decodable(decoder: LogDecoder, kept: KeptLog) -> bool:
    known = decoder.by_address_and_topic.get((kept.address, kept.topics[0]))
    if known is None:
        return False
    try:
        known[1].decode(kept.topics, kept.data)
    except MalformedLog:
        return False
    return True


def _first_undecoded(decoder: LogDecoder, tip: int, fetched: FetchedRange) -> str | None:
    """The first undecoded log behind `tip`: nothing of the block that can't be applied was written."""
    for block in fetched.between(tip, fetched.last.number):
        archive = Archive()
        decode_block(decoder, block.header, block.transactions, block.logs, archive)
        for row in archive.undecoded:
            if topics := json.loads(row.topics):
                return _place(KeptLog(row.id, row.address, topics, row.data, row.reason))
    return None


def _place(kept: KeptLog) -> str:
    return f"block {block_of(kept.id)}, log {log_index_of(kept.id)} of {kept.address}: {kept.reason}"

"""The quarantine: logs that an operator decided to go past."""

import re
from typing import Any

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.domain.units import LOG_INDEX_BITS, Hash, to_bytes


class BadLogName(GhostnetError):
    """A log was named in a form that can't be read."""

    help = "Write the transaction's hash, a colon and the log index, as the error message names them: 0x12…ef:7"


def parse_log(text: str) -> tuple[Hash, int]:
    """Transaction hash and log index from `TX:LOG`. Raises BadLogName."""
    found = re.fullmatch(r"(0x[0-9a-fA-F]{64}):(\d{1,7})", text)
    if found is None:
        raise BadLogName(f"{text!r} names no log")
    return Hash(found[1].lower()), int(found[2])


def is_archived(connection: Connection[Any], tx_hash: Hash, log_index: int) -> bool:
    """Whether a log is among the decoded ones of the indexed blocks."""
    return (
        connection.execute(
            f"SELECT FROM chain_events WHERE tx_hash = %s AND id & {(1 << LOG_INDEX_BITS) - 1} = %s LIMIT 1",
            (to_bytes(tx_hash), log_index),
        ).fetchone()
        is not None
    )


def quarantine_log(connection: Connection[Any], tx_hash: Hash, log_index: int, reason: str) -> None:
    """Record that no rule is to be applied to a log from now on; it stays in the archive."""
    connection.execute(
        "INSERT INTO quarantined_logs (tx_hash, log_index, reason, quarantined_at)"
        " VALUES (%s, %s, %s, clock_timestamp()) ON CONFLICT (tx_hash, log_index) DO NOTHING",
        (to_bytes(tx_hash), log_index, reason),
    )

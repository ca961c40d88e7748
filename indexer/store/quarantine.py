"""The quarantine: logs to which no rule is applied, by an operator's decision."""

import re
from typing import Any

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.domain.units import Hash, log_index_of, to_bytes


class BadLogName(GhostnetError):
    """A log was named in an unknown form."""

    help = "Write the transaction's hash, a colon and the log index, as the error message names them: 0x12…ef:7"


def parse_log(text: str) -> tuple[Hash, int]:
    """Transaction hash and log index from `TX:LOG`. Raises BadLogName."""
    found = re.fullmatch(r"(0x[0-9a-fA-F]{64}):(\d{1,7})", text)
    if found is None:
        raise BadLogName(f"{text!r} names no log")
    return Hash(found[1].lower()), int(found[2])


def is_archived(connection: Connection[Any], tx_hash: Hash, log_index: int) -> bool:
    """Whether a log is among the decoded ones of the indexed blocks."""
    events = connection.execute("SELECT id FROM chain_events WHERE tx_hash = %s", (to_bytes(tx_hash),))
    return any(log_index_of(event_id) == log_index for (event_id,) in events)


def quarantine_log(connection: Connection[Any], tx_hash: Hash, log_index: int, reason: str) -> None:
    """Quarantine a log: from now on no rule is applied to it; it stays in the archive."""
    connection.execute(
        "INSERT INTO quarantined_logs (tx_hash, log_index, reason, quarantined_at)"
        " VALUES (%s, %s, %s, clock_timestamp()) ON CONFLICT (tx_hash, log_index) DO NOTHING",
        (to_bytes(tx_hash), log_index, reason),
    )

"""The checkpoint: which chain this database holds, and the last block that was written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.types.json import Jsonb

from indexer.base.errors import GhostnetError
from indexer.domain.units import NO_HASH, Hash, hash_of, to_bytes
from indexer.store.database import read_json
from indexer.store.tables import block_datetime

HEAD_CHANNEL: Final = "ghostnet_head"
"""The NOTIFY channel of commit notifications: the checkpoint's block number, its revision, and what
`indexer.stream.commit_payload` makes of the commit, if that is small."""


class ForeignDatabase(GhostnetError):
    """The database holds another chain or deployment than the one configured."""

    help = (
        "Point DATABASE_URL at an empty database for this deployment, or GHOSTNET_DEPLOYMENT at the file that this "
        "database was indexed with."
    )


class NothingIndexed(GhostnetError):
    """The database has no checkpoint yet."""

    help = "Run `manage.py index_chain` first."


class BlockNotIndexed(GhostnetError):
    """A block was requested that this database does not cover."""

    help = "Ask for a block between the deployment's start block and the checkpoint."


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """The checkpoint as stored; `timestamp` in unix seconds, `contracts` maps names to addresses.

    `block_hash` is None before the first block is indexed: that of the block below it is unknown. `checked_block` is
    the last block after which the tables were compared with the contracts' state.
    """

    chain_id: int
    start_block: int
    contracts: dict[str, str]
    block_number: int
    block_hash: Hash | None
    timestamp: int
    checked_block: int


def start_chain(connection: Connection[Any], chain_id: int, start_block: int, contracts: Mapping[str, str]) -> None:
    """Store in an empty database what it is to hold, with a checkpoint just below the start block.

    Raises ForeignDatabase if it holds another chain or deployment by now.
    """
    with connection.transaction():
        connection.execute(
            "INSERT INTO checkpoints (chain_id, start_block, contracts, block_number, block_hash, block_time,"
            " timestamp, indexed_at, revision, fence, chain_head) SELECT %s, %s, %s, %s, %s, %s, 0, %s, 0, 0, %s"
            " WHERE NOT EXISTS (SELECT FROM checkpoints) ON CONFLICT DO NOTHING",
            (
                chain_id,
                start_block,
                Jsonb(dict(contracts)),
                start_block - 1,
                to_bytes(NO_HASH),
                block_datetime(0),
                datetime.now(UTC),
                start_block - 1,
            ),
        )
    checkpoint_of(connection, chain_id, start_block, contracts)


def checkpoint_of(
    connection: Connection[Any], chain_id: int, start_block: int, contracts: Mapping[str, str]
) -> StoredCheckpoint | None:
    """The checkpoint of a deployment; None in an empty database. Raises ForeignDatabase if it is another one's."""
    try:
        checkpoint = read_checkpoint(connection)
    except NothingIndexed:
        return None
    configured = (chain_id, start_block, dict(contracts))
    stored = (checkpoint.chain_id, checkpoint.start_block, checkpoint.contracts)
    for what, ours, theirs in zip(("chain id", "start block", "contracts"), configured, stored, strict=True):
        if ours != theirs:
            raise ForeignDatabase(f"the {what} configured is {ours}, but this database was indexed with {theirs}")
    return checkpoint


def read_checkpoint(connection: Connection[Any]) -> StoredCheckpoint:
    """The checkpoint.

    Raises NothingIndexed if there is none.
    """
    row = connection.execute(
        "SELECT chain_id, start_block, contracts, block_number, block_hash, timestamp,"
        " least(checked_block, block_number) FROM checkpoints"
    ).fetchone()
    if row is None:
        raise NothingIndexed("this database holds no chain yet")
    chain_id, start_block, contracts, number, block_hash, timestamp, checked = row
    known = None if (stored := hash_of(block_hash)) == NO_HASH else stored
    return StoredCheckpoint(chain_id, start_block, read_json(contracts), number, known, int(timestamp), checked)


def check_indexed(checkpoint: StoredCheckpoint, block_number: int) -> None:
    """Raise BlockNotIndexed unless the block is between the start block and the checkpoint."""
    if not checkpoint.start_block <= block_number <= checkpoint.block_number:
        raise BlockNotIndexed(
            f"block {block_number} is not indexed: this database covers {checkpoint.start_block} to"
            f" {checkpoint.block_number}"
        )

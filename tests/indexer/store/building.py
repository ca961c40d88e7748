"""Small chains of the contracts, indexed in this process."""

from typing import Any

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from tests.chains import ADDRESSES, ChainBuilder
from tests.indexing import index


def deployed() -> ChainBuilder:
    """A chain on which the contracts are deployed and nothing was played yet."""
    chain = ChainBuilder()
    chain.deploy()
    return chain


def index_blocks(blocks: list[RecordedBlock], **options: Any) -> None:
    """Index these blocks into the default database, with the options of `index`."""
    with ReplayServer(blocks) as server:
        index(server, ADDRESSES, **options)

"""Rebuilding the derived tables, in this process."""

import threading
from typing import Any

from psycopg import Connection

from indexer.maintenance.rebuild import Rebuilt, rebuild


def run_rebuild(connection: Connection[Any], from_block: int | None = None, *, swap: bool = True) -> Rebuilt:
    """Rebuild from a block on (None: from the first), and replace what differs if `swap`."""
    return rebuild(connection, from_block, swap=swap, stop=threading.Event(), on_progress=lambda *_: None)

"""Fetching indexed blocks again, in this process."""

import threading
from typing import Any

from psycopg import Connection

from indexer.maintenance.refetch import Refetched, refetch
from indexer.replay.server import ReplayServer


def run_refetch(
    connection: Connection[Any], node: ReplayServer, first: int, last: int | None = None, *, mend: bool = False
) -> Refetched:
    """Compare blocks with a node's, and roll back to before the first that differs if `mend`."""
    seen: list[int] = []
    done = refetch(connection, [node.url], first, last, mend=mend, stop=threading.Event(), on_progress=seen.append)
    assert seen[-1] == done.last
    return done

"""Headers that are added to answers."""

from functools import lru_cache
from typing import Final

from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.commits import CommitWatcher
from indexer.stream.ids import last_id

STATE_HEADERS: Final = {
    "ETag": "Send it as If-None-Match to get 304 until something changes.",
    "X-Indexed-Block": "The block whose state the answer shows.",
    "X-Indexed-Hash": "That block's hash.",
    "X-Indexed-At": "That block's time.",
    "X-Feed-Cursor": "The cursor at that block's end: the `since` with which `/ws` goes on from here.",
}
"""The headers of each answer that is read from the index, with their descriptions."""

LIMIT_HEADERS: Final = {
    "RateLimit-Limit": "How many requests a minute this client may send; missing where there is no limit.",
    "RateLimit-Remaining": "How many it has left.",
    "RateLimit-Reset": "Seconds until it has all of them again.",
}
"""The headers of each answer where requests are limited, with their descriptions."""

RETRY_AFTER: Final = {"Retry-After": "Seconds after which the request may be sent again."}

EXPOSED_HEADERS: Final = (*STATE_HEADERS, *LIMIT_HEADERS, *RETRY_AFTER, "X-Request-ID")
"""The headers that scripts of other origins may read."""


SECURITY_HEADERS: Final = [
    (b"X-Content-Type-Options", b"nosniff"),
    (
        b"Content-Security-Policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    ),
]
"""Headers of every answer: all are data but the API's documents, a page that runs scripts of this server only."""


@lru_cache(maxsize=4)
def state_headers(block: IndexedBlock) -> dict[str, str]:
    """The headers that name the block that an answer is the state of; without an ETag."""
    return {
        "X-Indexed-Block": str(block.block_number),
        "X-Indexed-Hash": block.block_hash,
        "X-Feed-Cursor": str(last_id(block.block_number)),
        "X-Indexed-At": block.block_time.isoformat().replace("+00:00", "Z"),
    }


def latest_headers(commits: CommitWatcher) -> list[tuple[bytes, bytes]]:
    """The same headers for the last indexed block, of errors that are of no block's state; none while it is unknown."""
    block = commits.latest
    return [] if block is None else [(name.encode(), value.encode()) for name, value in state_headers(block).items()]

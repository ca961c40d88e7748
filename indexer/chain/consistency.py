"""Repeat requests whose answers contradict each other: one of the machines behind a node's address may lag."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from indexer.base.retry import Backoff
from indexer.chain.client import NodeClient
from indexer.chain.errors import Inconsistent, Misnumbered, WrongNumbers
from indexer.domain.units import NotHex

T = TypeVar("T")

_TRIES: Final = 6
FIRST_PAUSE_SECONDS: Final = 0.05
_TRIES_A_NODE: Final = 3


async def retry_inconsistent(client: NodeClient, fetch: Callable[[], Awaitable[T]]) -> T:
    """Call `fetch` until its answers are consistent: a few attempts with growing pauses, then on the next node. Raises
    Inconsistent, or WrongNumbers if the numbering of logs, or the blocks' time, is the cause.
    """
    backoff = Backoff(FIRST_PAUSE_SECONDS)
    for attempt in range(1, _TRIES + 1):
        try:
            return await fetch()
        except Inconsistent as error:
            failure = error
        except ValueError as error:
            kind = Misnumbered if isinstance(error, NotHex) else Inconsistent
            failure = kind(f"malformed answer ({error})")
            failure.__cause__ = error
        if attempt == _TRIES:
            break
        if attempt % _TRIES_A_NODE == 0:
            client.turn_away(failure.message)
        await asyncio.sleep(backoff.pause())
    if isinstance(failure, Misnumbered):
        raise WrongNumbers(failure.message) from failure
    raise failure

"""Work that goes on whatever happens to the database and the broker meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

import psycopg
from psycopg import AsyncConnection

from indexer.stream.broker import BrokerAway
from indexer.stream.connection import connect

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0


class Attempts:
    """Seconds to wait before the next attempt: doubled by each failure, from the first again after a success."""

    def __init__(self) -> None:
        self.pause = FIRST_PAUSE

    def succeeded(self) -> None:
        """The work is on its way: what may fail now is a new trouble."""
        self.pause = FIRST_PAUSE

    async def wait(self) -> None:
        """Wait as long as it is due, and longer the next time."""
        pause, self.pause = self.pause, min(2 * self.pause, LONGEST_PAUSE)
        await asyncio.sleep(pause)


async def persist(
    work: Callable[[AsyncConnection[Any], Attempts], Awaitable[None]], name: str, trouble: str
) -> NoReturn:
    """Do work on a connection of its own, anew after each failure; ends only with its task.

    The server knows the connection by `name`; `trouble` tells readers of the log what a failure means.
    """
    attempts = Attempts()
    while True:
        try:
            async with await connect(name) as connection:
                await work(connection, attempts)
        except (BrokerAway, psycopg.OperationalError, OSError) as error:
            logger.warning("%s, trying again in %.1f s: %s", trouble, attempts.pause, error)
        except Exception:
            logger.exception("%s, trying again in %.1f s", trouble, attempts.pause)
        await attempts.wait()

"""The loop of each task that must survive the loss of the database or broker: connect, run, log, wait, reconnect."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

from asgiref.sync import sync_to_async
from psycopg import AsyncConnection

from indexer.base.errors import GhostnetError
from indexer.base.retry import Backoff
from indexer.store.database import database_failures
from indexer.store.schema import schema_failure
from indexer.stream.connection import connect

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.2
MAX_PAUSE_SECONDS: Final = 5.0


class _Outages(Backoff):
    """Pauses between the attempts of an outage; `logged` are the errors of it that were logged, and so is its end."""

    def __init__(self, name: str) -> None:
        super().__init__(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        self.logged: set[str] = set()
        self._name = name

    def reset(self) -> None:
        super().reset()
        if self.logged:
            logger.warning("%s: works again", self._name)
            self.logged.clear()


async def run_with_reconnect(
    work: Callable[[AsyncConnection[Any], Backoff], Awaitable[None]], name: str, description: str
) -> NoReturn:
    """Run `work` on a database connection of its own, and again after it has failed or returned; never returns.

    `work` calls `reset` of its Backoff whenever it has made progress, which ends an outage: the next failure waits for
    the shortest pause again. Of an outage each distinct error is logged once, introduced by `description`, and its end;
    `name` is the connection's name on the server.
    """
    backoff = _Outages(name)
    while True:
        error: Exception | None = None
        level = logging.WARNING
        try:
            with database_failures():
                async with await connect(name) as connection:
                    await work(connection, backoff)
        except (GhostnetError, OSError) as expected:
            error = expected
        except Exception as unexpected:  # noqa: BLE001 - logged below with its traceback
            error = await sync_to_async(schema_failure, thread_sensitive=False)(unexpected)
            if error is None:
                error, level = unexpected, logging.ERROR
        pause = backoff.pause()
        if error is not None and str(error) not in backoff.logged:
            backoff.logged.add(str(error))
            traceback = error if level == logging.ERROR else None
            logger.log(level, "%s, trying again in %.1f s: %s", description, pause, error, exc_info=traceback)
        await asyncio.sleep(pause)

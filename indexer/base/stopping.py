"""End work early: the exception of a stopped thread, and coroutines that end with a thread's stop event."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

POLL_SECONDS: Final = 0.1


class Interrupted(BaseException):
    """Work was stopped before its end. Not an Exception, so that no handler of failures catches it."""


def run_until_stopped(work: Coroutine[Any, Any, T], stop: threading.Event) -> T:
    """Run a coroutine to its end on an event loop of its own; blocks.

    Once `stop` is set the coroutine is cancelled and Interrupted is raised.
    """

    async def supervise() -> T:
        task = asyncio.ensure_future(work)
        while not (await asyncio.wait([task], timeout=POLL_SECONDS))[0]:
            if stop.is_set():
                task.cancel()
                await asyncio.wait([task])
                raise Interrupted
        return task.result()

    return asyncio.run(supervise())

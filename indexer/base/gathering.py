"""Run coroutines at the same time, and none of them longer than its result is wanted."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def gathered(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results of coroutines that run at the same time, in order. Raises the error of the first that fails; the
    others are cancelled then, which `asyncio.gather` does not do."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()

"""Coroutines that run at the same time."""

import asyncio
from contextlib import suppress

from indexer.base.gathering import gathered


async def after(turns: int, result: int) -> int:
    """A number after so many turns of the event loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
    return result


def test_results_are_in_the_order_of_the_coroutines() -> None:
    async def work() -> list[int]:
        return await gathered(after(3, 1), after(1, 2), after(2, 3))

    assert asyncio.run(work()) == [1, 2, 3]


def test_nothing_goes_on_whose_result_nobody_waits_for_any_more() -> None:
    """Requests to a node that is away would be tried again for ever, and more of them with each attempt."""
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def failing() -> None:
        await after(2, 0)
        raise ValueError

    async def work() -> list[str]:
        with suppress(ValueError):
            await gathered(endless(), failing())
        await asyncio.sleep(0)
        return list(ended)  # before the end of the loop, which cancels everything

    assert asyncio.run(work()) == ["endless"]

"""WorkSlots: no client takes all of them, and none waits for another client's whole queue."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from ghostnet.http.work_slots import NoRoom, WorkSlots


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 60))


async def settled() -> None:
    """All tasks have gone as far as they can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_asks_for_much_delays_itself() -> None:
    async def work() -> list[str]:
        slots, order = WorkSlots(2, 1, 100, 50), list[str]()

        async def ask(client: str) -> None:
            async with slots.hold(client):
                order.append(client)
                await settled()

        greedy = [asyncio.create_task(ask("greedy")) for _ in range(20)]
        await settled()
        others = [asyncio.create_task(ask(name)) for name in ("a", "b", "c", "a")]
        await asyncio.gather(*greedy, *others)
        assert len(slots) == 0
        return order

    order = run(work())
    last = max(place for place, client in enumerate(order) if client != "greedy")
    assert order.count("greedy") == 20
    assert last <= 8


def test_turns_go_from_client_to_client() -> None:
    async def work() -> list[str]:
        slots, order = WorkSlots(1, 1, 100, 100), list[str]()

        async def ask(client: str) -> None:
            async with slots.hold(client):
                order.append(client)

        async with slots.hold("first"):
            tasks = [asyncio.create_task(ask(client)) for client in "aaabbc"]
            await settled()
        await asyncio.gather(*tasks)
        return order

    assert run(work()) == list("abcaba")


def test_there_is_room_for_so_many_of_one_client_and_of_all() -> None:
    async def work() -> None:
        slots = WorkSlots(1, 1, 3, 2)
        await slots.take("a")
        waiting = [asyncio.create_task(slots.take("a")) for _ in range(2)]
        await settled()
        with pytest.raises(NoRoom) as own:
            await slots.take("a")
        assert own.value.of_client
        waiting.append(asyncio.create_task(slots.take("b")))
        await settled()
        with pytest.raises(NoRoom) as all_of_them:
            await slots.take("c")
        assert not all_of_them.value.of_client
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        slots.give_back("a")
        assert len(slots) == 0

    run(work())


def test_who_gives_up_waiting_loses_no_turn_of_others() -> None:
    async def work() -> None:
        slots = WorkSlots(1, 1, 10, 10)
        await slots.take("a")
        patient, impatient = asyncio.create_task(slots.take("c")), asyncio.create_task(slots.take("b"))
        await settled()
        patient_too = asyncio.create_task(slots.take("b"))
        await settled()
        impatient.cancel()
        slots.give_back("a")
        await patient
        slots.give_back("c")
        await patient_too
        too_late = asyncio.create_task(slots.take("a"))
        await settled()
        slots.give_back("b")
        too_late.cancel()  # it has its turn, and has not seen it yet
        await asyncio.gather(too_late, return_exceptions=True)
        await slots.take("d")

    run(work())

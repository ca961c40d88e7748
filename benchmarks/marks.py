"""Run a command and print when each block passes each stage: `python -m benchmarks.marks index_chain --relay`.

Prints a line `stage block seconds` on standard output, by the machine's monotonic clock.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.core.management import call_command

STAGES = ("seen", "fetched", "decoded", "committed", "published")


def mark(stage: str, block: int) -> None:
    """Print that a block has passed a stage."""
    sys.stdout.write(f"{stage} {block} {time.monotonic()}\n")


def before(stage: str, function: Callable[..., Any], block: Callable[..., int]) -> Callable[..., Any]:
    """Wrap a function so that it first marks a block; `block` finds the number in its arguments."""

    def wrapper(*args: Any, **options: Any) -> Any:
        mark(stage, block(*args))
        return function(*args, **options)

    return wrapper


def after(stage: str, function: Callable[..., Any], block: Callable[..., int]) -> Callable[..., Any]:
    """Wrap a function or coroutine function so that it marks a block when it has returned."""

    def wrapper(*args: Any) -> Any:
        result = function(*args)
        mark(stage, block(*args))
        return result

    async def waiting(*args: Any) -> Any:
        result = await function(*args)
        mark(stage, block(*args))
        return result

    return waiting if asyncio.iscoroutinefunction(function) else wrapper


def main() -> None:
    """Wrap the functions at the end of each stage, and run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    django.setup()
    from indexer.chain.closed_ranges import ClosedRangeFetcher
    from indexer.chain.producer import Producer
    from indexer.store.writer import Writer
    from indexer.stream.relay import Relay
    from indexer.sync import applier

    patches: list[tuple[Any, str, Any, str, Callable[..., int]]] = [
        (ClosedRangeFetcher, "fetch", before, "seen", lambda _fetcher, _first, last, *_: last),
        (Producer, "_hand_over", before, "fetched", lambda _producer, fetched: fetched.last.number),
        (applier, "decode_block", after, "decoded", lambda _decoder, header, *_: header.number),
        (Writer, "finish", after, "committed", lambda _writer, batch: batch.headers[-1].number),
        (Relay, "_publish", after, "published", lambda _relay, _connection, step: step.block.block_number),
    ]
    for owner, name, around, stage, block in patches:
        setattr(owner, name, around(stage, getattr(owner, name), block))
    call_command(*sys.argv[1:])


if __name__ == "__main__":
    main()

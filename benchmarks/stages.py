"""Run a command and measure its stages: `python -m benchmarks.stages index_chain --until-head`.

Prints one JSON object on standard output: seconds by stage. The main thread waits for blocks, decodes and applies,
renders rows and waits for the writer; the writer's thread appends and updates meanwhile.
"""

import gc
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import django
from django.core.management import call_command

from ghostnet.garbage_collection import START_UP_THRESHOLDS

seconds: defaultdict[str, float] = defaultdict(float)


def measure_stage(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that its wall time is added to a stage."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[stage] += time.perf_counter() - started

    return wrapper


def main() -> None:
    """Wrap the functions of each stage, run the command, and print the seconds."""
    started = time.perf_counter()
    gc.set_threshold(*START_UP_THRESHOLDS)  # as manage.py does
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ghostnet.settings")
    django.setup()
    from indexer.chain.source import BlockSource
    from indexer.store import writer
    from indexer.sync import applier, pipeline
    from indexer.sync.writer_thread import WriterThread

    seconds["start-up"] = time.perf_counter() - started
    patches: list[tuple[Any, str, str]] = [
        (BlockSource, "next", "main: wait for blocks"),
        (applier, "decode_block", "main: decode"),
        (applier, "apply_block", "main: apply"),
        (writer, "copy_text", "main: render rows"),
        (WriterThread, "put", "main: wait for the writer"),
        (writer, "append", "writer: append history"),
        (writer.Writer, "write", "writer: all"),
        (pipeline.Pipeline, "run", "all, without start-up"),
    ]
    for owner, name, stage in patches:
        setattr(owner, name, measure_stage(stage, getattr(owner, name)))
    call_command(*sys.argv[1:])
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()

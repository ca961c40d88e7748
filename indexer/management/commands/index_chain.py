"""Index the chain: backfill, then follow the head."""

import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings

from indexer.chain.source import BlockSource, SourceOptions
from indexer.domain.units import Address
from indexer.management.base import GhostnetCommand
from indexer.pipeline import Chain, Pipeline
from indexer.reporting import LogReporter, ProgressReporter
from indexer.store.database import connect
from indexer.store.lock import try_lock, wait_for_lock


def positive(text: str) -> int:
    """An option's value that must be a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


class Command(GhostnetCommand):
    """The worker: one at a time per chain, others wait as hot standbys."""

    help = "Index the chain: backfill, then follow the head. SIGTERM finishes the batch at hand and exits 0."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from-block", type=int, help="where an empty database begins (default: the deployment's)")
        parser.add_argument("--to-block", type=int, help="exit once this block is indexed")
        parser.add_argument("--until-head", action="store_true", help="exit once the node's head is indexed")
        parser.add_argument("--batch-size", type=positive, help="most blocks a batch (default: adaptive)")

    def run(
        self,
        *,
        from_block: int | None,
        to_block: int | None,
        until_head: bool,
        batch_size: int | None,
        **options: Any,
    ) -> None:
        environment = settings.GHOSTNET
        deployment = environment.deployment
        chain = Chain(
            deployment.chain_id,
            deployment.start_block if from_block is None else from_block,
            {name: Address(address) for name, address in deployment.contracts.items()},
            environment.headers_kept,
            environment.reorg_depth,
        )
        source = BlockSource(
            SourceOptions(
                environment.rpc_urls,
                environment.rpc_ws_url,
                deployment.chain_id,
                deployment.contracts,
                unsettled=environment.reorg_depth,
                batch_size=batch_size,
                poll_interval=environment.poll_interval,
            )
        )
        stop = stop_on_signals()
        with connect() as connection:
            source.open()
            if not try_lock(connection, chain.chain_id):
                self.stderr.write("another indexer of this chain is at work; waiting to take over")
                if not wait_for_lock(connection, chain.chain_id, stop):
                    source.stop()
                    return
            reporter = ProgressReporter(chain.start_block, to_block) if sys.stderr.isatty() else LogReporter()
            with reporter:
                pipeline = Pipeline(chain, source, connection, reporter)
                pipeline.run(to_block, until_head, stop)
        self.stderr.write(f"indexed up to block {pipeline.tip.number}")


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop

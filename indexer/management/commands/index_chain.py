"""Run the indexer: backfill the chain, then follow its head."""

import logging
import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from django.conf import settings
from prometheus_client import start_http_server

from indexer.base.errors import GhostnetError
from indexer.chain.options import SourceOptions
from indexer.chain.preconfirmed import PreconfirmedMode
from indexer.chain.state_availability import FullBlocks
from indexer.domain.units import Address
from indexer.management.base import GhostnetCommand, block_number, positive, stop_on_signals
from indexer.store.alarms import AlarmKind, alarms
from indexer.store.database import connect
from indexer.store.quarantine import parse_log, quarantine_log
from indexer.stream.broker import broker_at
from indexer.sync.background import BackgroundJob
from indexer.sync.metrics import MetricsObserver
from indexer.sync.observer import Observer, Observers
from indexer.sync.pipeline import Chain
from indexer.sync.relaying import relay_job
from indexer.sync.reporters import EventLog, LogReporter
from indexer.sync.requests import RequestRunner
from indexer.sync.self_check import SelfCheck
from indexer.sync.upkeep import Upkeep
from indexer.sync.worker import Worker

if TYPE_CHECKING:
    from indexer.sync.progress_bar import ProgressReporter

logger = logging.getLogger(__name__)


class MetricsPortTaken(GhostnetError):
    """Another process listens on the port for metrics."""

    help = "Choose another GHOSTNET_METRICS_PORT, or leave it unset."


class Command(GhostnetCommand):
    """Indexes until it is stopped; one process per chain at a time, others wait as hot standbys."""

    help = "Index the chain: backfill, then follow the head. SIGTERM finishes the batch at hand and exits 0."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from-block", type=block_number, help="where an empty database begins (default: the deployment's)"
        )
        parser.add_argument("--to-block", type=block_number, help="exit once this block is indexed")
        parser.add_argument("--until-head", action="store_true", help="exit once the node's head is indexed")
        parser.add_argument(
            "--relay", action="store_true", help="also be the relay (as relay_events), if IGGY_URL is set"
        )
        parser.add_argument("--batch-size", type=positive, help="most blocks a batch (default: adaptive)")
        parser.add_argument(
            "--quarantine",
            action="append",
            default=[],
            metavar="TX:LOG",
            help="go past a log whose rule fails: archived, recorded, but not applied (may be repeated)",
        )

    def run(
        self,
        *,
        from_block: int | None,
        to_block: int | None,
        until_head: bool,
        relay: bool,
        batch_size: int | None,
        quarantine: list[str],
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
        source = source_options(batch_size)
        if quarantine:
            quarantine_logs(quarantine)
        serve_metrics(environment.metrics_port)
        stop = stop_on_signals()
        reporter = progress_bar(chain.start_block, to_block) if sys.stderr.isatty() else LogReporter()
        observers, jobs = observers_and_jobs(relay=relay)
        requests = RequestRunner(environment.rpc_urls, environment.audit_sample)
        worker = Worker(chain, source, Observers(reporter, *observers), requests, jobs)
        with reporter:
            worker.run(to_block, until_head, stop)
        if worker.reached is not None:
            logger.info("indexed up to block %d", worker.reached)


def source_options(batch_size: int | None) -> SourceOptions:
    """The options by which blocks are fetched, from the settings."""
    environment = settings.GHOSTNET
    deployment = environment.deployment
    return SourceOptions(
        environment.rpc_urls,
        environment.rpc_ws_url,
        deployment.chain_id,
        deployment.contracts,
        reorg_depth=environment.reorg_depth,
        batch_size=batch_size,
        poll_interval=environment.poll_interval,
        full_blocks=FullBlocks(environment.full_blocks),
        state_every=environment.state_every,
        preconfirmed_mode=PreconfirmedMode(environment.realtime),
    )


def observers_and_jobs(*, relay: bool) -> tuple[list[Observer], list[BackgroundJob]]:
    """The observers of the indexing loop, apart from the reporter, and the background jobs, by the settings."""
    environment = settings.GHOSTNET
    upkeep = Upkeep(environment.upkeep)
    observers: list[Observer] = [EventLog(), MetricsObserver(), upkeep]
    jobs = [upkeep.job]
    if environment.audit_every:
        self_check = SelfCheck(
            environment.rpc_urls, environment.audit_every, environment.audit_sample, environment.reorg_depth
        )
        observers.append(self_check)
        jobs.append(self_check.job)
    if relay and environment.iggy_url:
        jobs.append(relay_job(broker_at(environment.iggy_url, environment.deployment.chain_id)))
    return observers, jobs


def progress_bar(first: int, last: int | None) -> "ProgressReporter":
    """The progress bar; its library, which takes long to import, is needed on a terminal only."""
    from indexer.sync.progress_bar import ProgressReporter  # noqa: PLC0415 - see above

    return ProgressReporter(first, last)


def quarantine_logs(logs: list[str]) -> None:
    """Quarantine logs, written `TX:LOG`; the recorded reason is the error at which the indexer halted."""
    with connect() as connection:
        reason = alarms(connection).get(AlarmKind.HALTED, "by hand, before any error")
        for tx_hash, log_index in [parse_log(text) for text in logs]:
            quarantine_log(connection, tx_hash, log_index, reason)


def serve_metrics(port: int | None) -> None:
    """Serve this process's metrics on a port, if one is given. Raises MetricsPortTaken."""
    if port is None:
        return
    try:
        start_http_server(port)
    except OSError as error:
        raise MetricsPortTaken(f"port {port} is taken: {error.strerror}") from error

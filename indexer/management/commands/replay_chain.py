"""Serve a recorded chain as a live node."""

import gc
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.base.errors import GhostnetError
from indexer.management.base import GhostnetCommand, block_number, count, port_number, positive, rate, stop_on_signals
from indexer.replay.calls import StateOptions
from indexer.replay.chain import ReorgPlan
from indexer.replay.limits import Limits
from indexer.replay.mini_blocks import MiniBlockPlan
from indexer.replay.recording import load_recording, read_document
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.shift import shift_to, shifted_blocks, shifted_state, shifted_truth
from indexer.replay.sockets import PublicSocket
from indexer.replay.state import RecordedState
from indexer.replay.truth import Truth


class PortTaken(GhostnetError):
    """Another process listens on the port."""

    help = "Choose another --port; 0 takes any that is free."


class Command(GhostnetCommand):
    """The project's own node for demo and tests: JSON-RPC over HTTP and WebSocket on one port."""

    help = "Serve a recorded chain as a node: HTTP and WebSocket JSON-RPC, live head, reorgs, faults, eth_call."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a recording (.jsonl or .jsonl.gz)")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=port_number, default=8545, help="0: any free port (see the READY line)")
        parser.add_argument("--chain-id", type=positive, help="default: the truth's, else 6343")
        parser.add_argument("--expected", type=Path, help="the truth for eth_call (default: *_expected.json.gz beside)")
        parser.add_argument("--state", type=Path, help="what the views answered after every block: *_state.json.gz")
        parser.add_argument("--prune", type=count, help="no state further than so many blocks below the head")
        parser.add_argument("--prune-empty", action="store_true", help="pruned state is answered with 0x, not refused")
        parser.add_argument("--no-multicall", action="store_true", help="without Multicall3, which comes with --state")
        parser.add_argument("--head", type=block_number, help="serve only up to this block at first")
        parser.add_argument("--blocks-per-second", type=rate, default=0.0, help="how fast the head moves on")
        parser.add_argument("--hold", action="store_true", help="the head stands until replay_start is called")
        parser.add_argument("--foreign", type=count, default=0, help="other people's transactions in each block")
        parser.add_argument(
            "--stretch", type=positive, default=1, help="block n becomes n*STRETCH, with empty blocks between"
        )
        parser.add_argument("--no-log-timestamps", action="store_true", help="logs without blockTimestamp")
        parser.add_argument(
            "--time-shift", type=_shift, default=0, help="seconds added to all times; `now`: the head is now"
        )
        parser.add_argument("--max-range", type=count, default=0, help="eth_getLogs: most blocks")
        parser.add_argument("--max-results", type=count, default=0, help="eth_getLogs: most logs")
        parser.add_argument("--max-batch", type=count, default=0, help="most calls in one request")
        parser.add_argument("--strict-head", action="store_true", help="refuse ranges beyond the head")
        parser.add_argument("--rate-limit", type=rate, default=0.0, help="requests per second, then 429")
        parser.add_argument("--compute", type=rate, default=0.0, help="calls per second, in batches too, then 429")
        parser.add_argument(
            "--cursor-page", type=count, default=0, help="eth_getLogsWithCursor with so many logs a page"
        )
        parser.add_argument(
            "--max-response", type=count, default=0, help="bytes; the rest of a larger batch is refused"
        )
        parser.add_argument("--bandwidth", type=count, default=0, help="bytes per second, then 429")
        parser.add_argument(
            "--megaeth-errors", action="store_true", help="codes, wordings and HTTP statuses of MegaETH's public RPC"
        )
        parser.add_argument("--flaky", type=rate, default=0.0, help="share of HTTP requests that fail")
        parser.add_argument("--silent-ws", action="store_true", help="accept subscriptions and never speak")
        parser.add_argument("--public-ws", action="store_true", help="the WebSocket as MegaETH's public one")
        parser.add_argument("--reorg-every", type=count, default=0, help="a reorg each so many blocks")
        parser.add_argument("--reorg-depth", type=count, default=6, help="most blocks a reorg drops")
        parser.add_argument("--mini-blocks", type=rate, default=0.0, metavar="MS", help="a mini-block each so many ms")
        parser.add_argument("--mini-faults", type=rate, default=0.0, help="share of blocks with wrong mini-blocks")
        parser.add_argument("--mini-times", action="store_true", help="logs have a timestamp before their block")
        parser.add_argument("--seed", type=int, default=1)

    def run(
        self, *, file: Path, expected: Path | None, head: int | None, time_shift: int | None, **options: Any
    ) -> None:
        recording = load_recording(file)
        beside = file.with_name(file.name.removesuffix(".gz").removesuffix(".jsonl") + "_expected.json.gz")
        truth_file = expected or (beside if beside.exists() else None)
        first = min(head // options["stretch"], len(recording) - 1) if head is not None else len(recording) - 1
        pace = options["blocks_per_second"] / options["stretch"]
        shifted_at = time.monotonic()
        seconds = shift_to(int(time.time()), recording, first, pace) if time_shift is None else time_shift
        truth = Truth(shifted_truth(read_document(truth_file), seconds)) if truth_file else None
        state = RecordedState(shifted_state(read_document(options["state"]), seconds)) if options["state"] else None
        chain_id = options["chain_id"] or (truth.chain_id if truth else 6343)
        server = ReplayServer(
            shifted_blocks(recording, seconds),
            _options(options, head, chain_id, shifted_at if time_shift is None else None),
            truth,
            state,
        )
        server.chain.render()
        gc.freeze()  # what is served stays: to look for garbage in it took a seventh of the time
        stop = stop_on_signals()
        try:
            server.start()
        except OSError as error:
            raise PortTaken(f"can't listen on {options['host']}:{options['port']}: {error.strerror}") from error
        logs = sum(len(transaction.logs) for block in recording for transaction in block.txs)
        self.stdout.write(f"READY {server.url} {server.ws_url} blocks {server.chain.last + 1} logs {logs}")
        self.stdout.flush()
        while not (stop.wait(0.2) or server.ended.is_set()):
            pass
        if server.ended.is_set():
            self.stdout.write(f"ENDED the recording has ended: the chain stands still at block {server.chain.last}")
            self.stdout.flush()
        stop.wait()
        server.stop()


def _options(options: Mapping[str, Any], head: int | None, chain_id: int, moving_since: float | None) -> ReplayOptions:
    """The node's options, from the command's."""
    return ReplayOptions(
        chain_id=chain_id,
        host=options["host"],
        port=options["port"],
        head=head,
        blocks_per_second=options["blocks_per_second"],
        moving_since=moving_since,
        hold=options["hold"],
        stretch=options["stretch"],
        foreign=options["foreign"],
        log_timestamps=not options["no_log_timestamps"],
        limits=Limits(
            max_range=options["max_range"],
            max_results=options["max_results"],
            strict_head=options["strict_head"],
            cursor_page=options["cursor_page"],
            max_response=options["max_response"],
            bandwidth=options["bandwidth"],
            compute=options["compute"],
            megaeth=options["megaeth_errors"],
        ),
        state=StateOptions(options["prune"], options["prune_empty"], not options["no_multicall"]),
        max_batch=options["max_batch"],
        rate_limit=options["rate_limit"],
        flaky=options["flaky"],
        silent_ws=options["silent_ws"],
        public_ws=PublicSocket() if options["public_ws"] else None,
        reorgs=ReorgPlan(options["reorg_every"], options["reorg_depth"], options["seed"]),
        mini_blocks=MiniBlockPlan(
            options["mini_blocks"], options["mini_faults"], options["seed"], options["mini_times"]
        ),
    )


def _shift(text: str) -> int | None:
    """Seconds, or None for `now`."""
    try:
        return None if text == "now" else int(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is neither a number of seconds nor `now`") from error

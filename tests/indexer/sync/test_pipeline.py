"""The order in which the loop handles what waits for it."""

import time
from typing import Any

from prometheus_client import REGISTRY
from psycopg import Connection

from indexer.chain.options import SourceOptions
from indexer.chain.preconfirmed import PreconfirmedMode
from indexer.chain.source import BlockSource
from indexer.replay.mini_blocks import MiniBlockPlan
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.sync.observer import Observer
from indexer.sync.pipeline import Chain, Pipeline
from tests.chains import ADDRESSES, ChainBuilder, user


class Sealing:
    """Asked whether to stop, before the loop takes what comes next: has the node send the next block's logs and seal
    it, and answers no once that block waits, before which its logs have come."""

    def __init__(self, node: ReplayServer, source: BlockSource) -> None:
        self._node = node
        self._source = source
        self.pipeline: Pipeline

    def __call__(self) -> bool:
        chain = self._node.chain
        if self.pipeline.tip.number == chain.head < chain.last and self._node.status()["subscriptions"] == 2:
            self._node.announce()
            self._node.advance()
            while not self._source._queue._ranges:
                time.sleep(0.001)
        return False


def test_logs_that_came_before_their_block_are_read_before_it_is_applied(connection: Connection[Any]) -> None:
    chain, players = ChainBuilder(), 8
    chain.deploy()
    first = len(chain.blocks)
    for player in range(players):
        chain.jack_in(user(player + 1), 10**19, 1)
    last = len(chain.blocks) - 1
    with ReplayServer(chain.blocks, ReplayOptions(head=first - 1, mini_blocks=MiniBlockPlan(10.0))) as node:
        options = SourceOptions(
            [node.url], node.ws_url, node.chain_id, ADDRESSES, preconfirmed_mode=PreconfirmedMode.ON
        )
        source = BlockSource(options)
        source.open()
        stop = Sealing(node, source)
        stop.pipeline = Pipeline(Chain(node.chain_id, 0, ADDRESSES, 100, 64), source, connection, Observer())
        before = read_ahead()
        stop.pipeline.run(last, False, stop)
    assert read_ahead() - before == players


def read_ahead() -> float:
    """The blocks so far that were read ahead, and then were so."""
    return REGISTRY.get_sample_value("indexer_preconfirmed_blocks_total", {"result": "equal"}) or 0.0

"""Run the relay, which publishes the outbox to the broker."""

import asyncio
from typing import Any

from django.conf import settings

from indexer.base.errors import GhostnetError
from indexer.management.base import GhostnetCommand, stop_signals
from indexer.management.commands.index_chain import serve_metrics
from indexer.stream.broker import broker_at
from indexer.stream.relay import Relay


class NoBroker(GhostnetError):
    """No broker is configured."""

    help = "Set IGGY_URL. Without it web processes read the database, and nothing needs to be relayed."


class Command(GhostnetCommand):
    """Publishes until stopped; one process per database at a time, others wait as hot standbys."""

    help = "Publish every event and reorg to Apache Iggy, in order, at least once. SIGTERM ends it; nothing is lost."

    def run(self, **options: Any) -> None:
        environment = settings.GHOSTNET
        if environment.iggy_url is None:
            raise NoBroker("IGGY_URL is not set")
        serve_metrics(environment.metrics_port)
        asyncio.run(self._relay(Relay(broker_at(environment.iggy_url, environment.deployment.chain_id))))

    async def _relay(self, relay: Relay) -> None:
        task = asyncio.create_task(relay.run())
        for number in stop_signals():
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await asyncio.wait([task])

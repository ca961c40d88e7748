"""The relay as a part of the indexer's process, for deployments without one of its own."""

from indexer.base.stopping import run_until_stopped
from indexer.stream.broker import Broker
from indexer.stream.relay import Relay
from indexer.sync.background import BackgroundJob


def relay_job(broker: Broker) -> BackgroundJob:
    """A job that publishes the outbox to a broker until it is stopped; the rest is published by the next one."""
    job = BackgroundJob("relay", lambda job: run_until_stopped(Relay(broker).run(), job.stopping))
    job.trigger()
    return job

"""Metrics of the requests to each node, by which providers charge."""

from typing import Final

from prometheus_client import Counter

REQUESTS: Final = Counter("node_requests", "HTTP requests that a node has answered; a batch is one", ["node"])
FOREIGN_STATES: Final = Counter(
    "node_foreign_states", "Answers with the contracts' state after another block than was asked for, asked for again"
)
RECEIVED: Final = Counter("node_received_bytes", "Bytes of a node's answers, unpacked", ["node"])

"""What each node is asked for, as metrics: providers charge by it."""

from typing import Final

from prometheus_client import Counter

REQUESTS: Final = Counter("node_requests", "HTTP requests that a node has answered; a batch is one", ["node"])
RECEIVED: Final = Counter("node_received_bytes", "Bytes of a node's answers, unpacked", ["node"])

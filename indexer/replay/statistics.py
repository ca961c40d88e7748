"""Counts of a replay node's requests and answers: the cost of indexing, as a provider would count it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Statistics:
    """Counts since the start; calls of `replay_` methods are not among them.

    `requests`: HTTP requests and messages of WebSockets. `methods`: calls by method, of batches too. `bytes_sent`:
    bodies and messages. `limited`: requests refused for a rate or a bandwidth. `faults`: requests that failed.
    """

    requests: int = 0
    methods: Counter[str] = field(default_factory=Counter)
    bytes_sent: int = 0
    limited: int = 0
    faults: int = 0

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self.methods.total()

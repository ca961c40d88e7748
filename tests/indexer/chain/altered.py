"""A replay node whose answers are changed before they are sent."""

from collections.abc import Callable, Sequence
from typing import Any

from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer

Change = Callable[[str, bytes], bytes]
"""The result that is sent, by the method and its right result."""


class AlteredServer(ReplayServer):
    """A node that changes its results."""

    def __init__(self, blocks: list[RecordedBlock], change: Change) -> None:
        super().__init__(blocks)
        self.change = change
        self.methods: list[str] = []

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        self.methods.append(method)
        return self.change(method, super()._result(method, params, socket))

"""Nodes that leave out logs."""

import json
from collections.abc import Sequence
from typing import Any

from indexer.replay.server import ReplayServer


class IncompleteNode(ReplayServer):
    """Leaves the logs of one block, or those of one contract in it, out of a number of answers, by range or by hash.

    With `blind` its blooms do not show these logs either.
    """

    left_out = 2
    contract: str | None = None
    times = 0
    blind = False

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        if self.blind and method == "eth_getBlockByNumber" and answer != b"null":
            return json.dumps({**json.loads(answer), "logsBloom": "0x" + "00" * 256}).encode()
        block = self.chain.blocks[self.left_out] if self.left_out <= self.chain.head else None
        if method != "eth_getLogs" or not self.times or block is None or block.hash.encode() not in answer:
            return answer
        self.times -= 1
        logs = [
            log
            for log in json.loads(answer)
            if log["blockHash"] != block.hash or self.contract not in (None, log["address"])
        ]
        return json.dumps(logs).encode()


class TruncatingNode(ReplayServer):
    """Truncates lists of logs to `most`, without an error."""

    most = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        answer = super()._result(method, params, socket)
        return json.dumps(json.loads(answer)[: self.most]).encode() if method == "eth_getLogs" else answer

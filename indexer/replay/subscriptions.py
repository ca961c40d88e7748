"""The replay node's subscriptions (`eth_subscribe`): to heads, and to logs of sealed blocks or of mini-blocks."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from indexer.replay.refusal import Refusal
from indexer.replay.rendering import LogFilter, ServedBlock, ServedLog

_encode = msgspec.json.Encoder().encode


class Subscriptions:
    """All clients' subscriptions by their ids; `send` queues a message for a socket.

    A subscription to pending logs gets those of mini-blocks, or, on a node that has none, those of sealed blocks.
    """

    def __init__(self, send: Callable[[web.WebSocketResponse, bytes], None], *, has_mini_blocks: bool) -> None:
        self._send = send
        self._has_mini_blocks = has_mini_blocks
        self._last = 0
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._filters: dict[str, LogFilter | None] = {}
        """What each is to: the logs that pass, or (None) heads."""

    def __len__(self) -> int:
        return len(self._sockets)

    def add(self, socket: web.WebSocketResponse, params: Sequence[Any]) -> str:
        """Begin a subscription by the parameters of `eth_subscribe`; return its id. Raises Refusal."""
        if not params or params[0] not in ("newHeads", "logs"):
            raise Refusal(-32602, f"no such subscription: {params}")
        self._last += 1
        subscription = hex(self._last)
        self._sockets[subscription] = socket
        log_filter = params[1] if len(params) > 1 else {}
        self._filters[subscription] = LogFilter(log_filter) if params[0] == "logs" else None
        return subscription

    def remove(self, subscription: str) -> bool:
        """End a subscription; return whether there was one of this id."""
        self._filters.pop(subscription, None)
        return self._sockets.pop(subscription, None) is not None

    def remove_all(self, socket: web.WebSocketResponse) -> None:
        """End the subscriptions of a socket that is closed."""
        for subscription in [known for known, one in self._sockets.items() if one is socket]:
            self.remove(subscription)

    def announce(self, block: ServedBlock, *, removed: bool) -> None:
        """Send a sealed block's header and logs; of one that a reorg has `removed` its logs, marked so."""
        for subscription, log_filter in self._filters.items():
            if log_filter is None:
                self._notify(subscription, [] if removed else [block.header_json()])
            elif not self._is_to_mini_blocks(log_filter):
                logs = (log for log in block.logs if log_filter.passes(log))
                self._notify(subscription, [log.removed_json if removed else log.json for log in logs])

    def announce_pending(self, logs: Sequence[ServedLog]) -> None:
        """Send the logs of a mini-block."""
        for subscription, log_filter in self._filters.items():
            if log_filter is not None and self._is_to_mini_blocks(log_filter):
                self._notify(subscription, [log.json for log in logs if log_filter.passes(log)])

    def _is_to_mini_blocks(self, log_filter: LogFilter) -> bool:
        return log_filter.is_pending and self._has_mini_blocks

    def _notify(self, subscription: str, items: Iterable[bytes]) -> None:
        for item in items:
            params = b'{"subscription":' + _encode(subscription) + b',"result":' + item + b"}"
            message = b'{"jsonrpc":"2.0","method":"eth_subscription","params":' + params + b"}"
            self._send(self._sockets[subscription], message)

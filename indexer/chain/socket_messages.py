"""The messages on a node's WebSocket, which heads and preconfirmed logs share: requests, answers, notifications."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec

from indexer.chain.json_normalization import parsed


class RequestId(IntEnum):
    """The ids of the requests that are sent."""

    HEADS = 1
    CHAIN_ID = 2
    PRECONFIRMED = 3


class Notification(msgspec.Struct):
    """What a subscription brings; `result` is still JSON."""

    result: msgspec.Raw
    subscription: Any = msgspec.UNSET


class SocketMessage(msgspec.Struct):
    """What comes over the socket: an answer to a request, which has an id, or a notification in `params`."""

    id: Any = None
    result: Any = None
    error: Any = None
    params: Notification | None = None


_decoder: Final = msgspec.json.Decoder(SocketMessage)


def parse_message(text: str | bytes) -> SocketMessage:
    """A message with hex in lower case. Raises msgspec.MsgspecError if it is no JSON-RPC."""
    return parsed(text, _decoder)


def request_text(request_id: RequestId, method: str, params: Sequence[Any]) -> str:
    """A request as it is sent."""
    request = {"jsonrpc": "2.0", "id": int(request_id), "method": method, "params": params}
    return msgspec.json.encode(request).decode()

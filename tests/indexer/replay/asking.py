"""Real HTTP calls to a replay node."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import requests
from eth_abi import abi
from eth_hash.auto import keccak

from indexer.replay.server import ReplayServer

_SESSION = requests.Session()
_SESSION.trust_env = False  # else the environment's proxies are looked up for each request


class Answer(NamedTuple):
    """An HTTP answer: its status, its headers and its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


def post(server: ReplayServer, body: Any) -> Answer:
    """Send one request: a JSON-RPC call or batch, or bytes as they are."""

    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    response = _SESSION.post(server.url, data=data, timeout=30)
    return Answer(response.status_code, dict(response.headers), response.content)


def call(method: str, *params: Any, request_id: int = 7) -> dict[str, Any]:
    """A JSON-RPC call."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def ask(server: ReplayServer, method: str, *params: Any) -> Any:
    """The result of a call, or its error."""
    answer = post(server, call(method, *params)).json
    assert answer["id"] == 7
    return answer.get("result", answer.get("error"))


def calldata(signature: str, *arguments: Any) -> str:
    """The input of a call of a function like `getBet(uint256,address)`; a list of tuples is one argument."""
    inside = signature[signature.index("(") + 1 : -1]
    types = [inside] if inside.endswith("[]") else inside.split(",") if inside else []
    return "0x" + (keccak(signature.encode())[:4] + abi.encode(types, arguments)).hex()


def view(
    server: ReplayServer, to: str, signature: str, types: Sequence[str], place: Any = "latest", *arguments: Any
) -> Any:
    """What a view returns at a block, decoded; or the error."""
    answer = ask(server, "eth_call", {"to": to, "data": calldata(signature, *arguments)}, place)
    return abi.decode(types, bytes.fromhex(answer[2:])) if isinstance(answer, str) else answer

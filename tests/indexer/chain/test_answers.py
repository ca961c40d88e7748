"""What is read from a node's answer, and which parts of it are never repeated."""

import json
from typing import Any

import pytest

from indexer.chain.answers import Call, decoder_of, results_of
from indexer.chain.errors import NodeError
from indexer.chain.nodes import Node
from indexer.chain.transport import Reply

KEY = "abcdefghijkl1234"
ERROR = {"code": -32000, "message": f"https://rpc.example/v2/{KEY} does not have this"}
ONE: list[Call] = [("eth_call", [])]
TWO: list[Call] = [("eth_call", []), ("eth_call", [])]


@pytest.mark.parametrize(
    ("calls", "status", "answer"),
    [
        (ONE, 200, {"id": 0, "error": ERROR}),
        (ONE, 200, {"id": 0, "error": ERROR["message"]}),
        (ONE, 200, {"id": 0, "error": {"code": KEY, "message": "no"}}),
        (TWO, 200, [{"id": 0, "result": "0x"}, {"id": 1, "error": ERROR}]),
        (TWO, 200, {"id": None, "error": {"code": -32005, "message": f"too many requests of {KEY}"}}),
        (ONE, 429, {"id": 0, "error": ERROR}),
        (ONE, 403, {"id": 0, "error": ERROR}),
        (ONE, 400, {"id": 0, "error": ERROR}),
    ],
)
def test_a_refusal_is_reported_without_the_key_of_the_node_s_address(
    calls: list[Call], status: int, answer: dict[str, Any]
) -> None:
    node = Node(f"https://rpc.example/v2/{KEY}")
    reply = Reply(status, json.dumps(answer).encode())
    try:
        error = results_of(reply, node, decoder_of(str), calls, 0)[-1]
    except NodeError as raised:
        error = raised
    assert isinstance(error, NodeError)
    assert KEY not in str(error)
    assert "***" in str(error)

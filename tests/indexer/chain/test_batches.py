"""Nodes that do not take several calls in one request, or answer them in their own way."""

from typing import Any

import pytest
from aiohttp import web

from indexer.chain import nodes as nodes_module
from indexer.chain.answers import Call
from indexer.chain.client import NodeClient
from tests.indexer.chain.hand_made import HandMadeNode, Reply, asked, call, refused, right, status

CALLS: list[Call] = [(f"method_{number}", []) for number in range(45)]
RESULTS = [f"method_{number}!" for number in range(45)]


def over(most: int, otherwise: Reply) -> Reply:
    """Answers requests of at most so many calls rightly."""
    return lambda request: otherwise(request) if isinstance(request, list) and len(request) > most else right(request)


def cut_off(request: Any) -> None:
    """Closes the connection."""


def list_of(*answers: Any) -> Reply:
    return lambda request: web.json_response(list(answers))


def only_the_first_ten(request: Any) -> web.StreamResponse | None:
    return right(request[:10])


def counted_from_one(request: Any) -> web.StreamResponse | None:
    return right([{**one, "id": number} for number, one in enumerate(request, 1)])


ERROR = {"code": -32600, "message": "batch too large"}


@pytest.mark.parametrize(
    ("most", "reply"),
    [
        (10, refused(-32600, "batch too large")),
        (10, list_of({"id": 0, "error": ERROR})),
        (1, list_of({"id": None, "error": ERROR})),
        (10, list_of()),
        (10, only_the_first_ten),
        (1, status(400, "bad request")),
        (1, status(403, "<html>forbidden</html>")),
        (1, status(405)),
        (1, status(413)),
        (1, refused(-32700, "parse error", status=500)),
        (1, refused(-32700, "parse error", status=400)),
        (1, counted_from_one),
    ],
    ids=[
        "one error", "a list of one error", "of one without an id", "an empty list", "ten of them", "400", "403 HTML",
        "405", "413", "500 parse error", "400 parse error", "ids of its own",
    ],
)  # fmt: skip
def test_batches_that_a_node_does_not_take_are_halved_and_it_is_remembered(most: int, reply: Reply) -> None:
    node = HandMadeNode(otherwise=over(most, reply))

    async def twice(client: NodeClient) -> list[Any]:
        first = await client.batch(CALLS, str)
        node.bodies.clear()
        assert await client.batch(CALLS, str) == first
        return first

    assert asked([node], twice) == RESULTS
    assert max(node.sizes) <= most


def test_what_a_node_takes_is_forgotten_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes_module, "FORGET_SECONDS", 0.0)
    node = nodes_module.Node("http://127.0.0.1")
    node.record_refused_calls(100)
    assert node.calls_a_request == nodes_module.CALLS_A_REQUEST


def test_each_node_has_its_own_limit() -> None:
    narrow = HandMadeNode(otherwise=over(1, status(400)))
    wide = HandMadeNode()

    async def work(client: NodeClient) -> None:
        assert await client.batch(CALLS, str) == RESULTS
        narrow._otherwise = status(502)
        assert await client.batch(CALLS[:1], str) == RESULTS[:1]
        client.turn_away("the test is about the other one")
        assert await client.batch(CALLS, str) == RESULTS

    asked([narrow, wide], work)
    assert 45 in wide.sizes


def test_connections_that_are_closed_on_batches_time_and_again_are_taken_for_a_refusal() -> None:
    node = HandMadeNode(otherwise=over(1, cut_off))
    assert asked([node], lambda client: client.batch(CALLS[:2], str), patience=None) == RESULTS[:2]
    assert node.sizes == [2] * nodes_module.MAX_CUT_OFF + [1, 1]


def with_id(call_id: Any) -> Reply:
    return lambda request: web.json_response({"id": call_id, "result": request["method"]})


def test_a_node_that_gives_single_calls_its_own_ids_is_understood() -> None:
    node = HandMadeNode(otherwise=with_id(1))
    assert asked([node], call()) == "eth_chainId"
    assert node.requests == 2
    texts = HandMadeNode(otherwise=lambda request: with_id(str(request["id"]))(request))
    assert asked([texts], call()) == "eth_chainId"
    assert texts.requests == 1


def test_what_is_left_of_a_batch_whose_answer_became_too_large_is_asked_again() -> None:
    def three_at_most(request: Any) -> web.StreamResponse:
        calls = request if isinstance(request, list) else [request]
        answers = [
            {"id": one["id"], "result": one["method"] + "!"}
            if number < 3
            else {"id": one["id"], "error": {"code": -32003, "message": "response too large"}}
            for number, one in enumerate(calls)
        ]
        return web.json_response(answers if isinstance(request, list) else answers[0])

    node = HandMadeNode(otherwise=three_at_most)
    assert asked([node], lambda client: client.batch(CALLS[:8], str)) == RESULTS[:8]
    assert node.sizes == [8, 5, 2]

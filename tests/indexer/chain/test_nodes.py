"""Several nodes: which one is used, and which ones do not serve the indexed chain."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from indexer.chain import client as client_module
from indexer.chain import failover, transport
from indexer.chain import nodes as nodes_module
from indexer.chain.answers import Call
from indexer.chain.client import NodeClient
from indexer.chain.errors import Denied, MethodNotFound, NodeUnreachable, Pruned, RateLimited, RpcError, WrongChain
from indexer.chain.proof import Proof
from indexer.domain.units import Hash
from tests.indexer.chain.hand_made import HandMadeNode, HangingNode, Reply, asked, call, each, refused, status

OURS, THEIRS = Hash("0x" + "0a" * 32), Hash("0x" + "0b" * 32)
PROOF = Proof(6343, {7: OURS})


def node_of(chain_id: int, block: str | None) -> HandMadeNode:
    """A node on a chain, whose block 7 has this hash."""

    def answer(question: Any) -> dict[str, Any]:
        if question["method"] == "eth_chainId":
            return {"result": hex(chain_id)}
        if question["method"] == "eth_getBlockByNumber":
            header = {"number": "0x7", "hash": block, "parentHash": "0x", "timestamp": "0x1"}
            return {"result": header if block is not None else None}
        return {"result": question["method"]}

    return HandMadeNode(otherwise=each(answer))


def methods(node: HandMadeNode) -> list[str]:
    """The methods that a node was asked, one after the other."""
    calls = [body if isinstance(body, list) else [body] for body in node.bodies]
    return [one["method"] for body in calls for one in body]


def test_a_node_proves_itself_before_it_is_used_and_once_more_after_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes_module, "GLITCH_SECONDS", 0.0)
    node = node_of(6343, OURS)
    down = status(503)

    async def work(client: NodeClient) -> None:
        await client.call("first", [], str)
        await client.call("second", [], str)
        node._replies.append(down)
        await client.call("third", [], str)

    asked([node], work, proof=PROOF)
    proof = ["eth_chainId", "eth_getBlockByNumber"]
    assert methods(node) == [*proof, "first", "second", "third", *proof, "third"]


@pytest.mark.parametrize(
    "stranger", [node_of(4326, OURS), node_of(6343, THEIRS)], ids=["another chain", "another block"]
)
def test_by_failover_no_other_chain_is_read(stranger: HandMadeNode, caplog: pytest.LogCaptureFixture) -> None:
    ours = node_of(6343, OURS)

    async def work(client: NodeClient) -> list[str]:
        await client.call("first", [], str)
        ours._replies += [status(502)] * 3
        await client.call("second", [], str)
        return client.disproven

    (warning,) = asked([ours, stranger], work, proof=PROOF)
    assert set(methods(stranger)) == {"eth_chainId", "eth_getBlockByNumber"}
    assert [record.levelno for record in caplog.records if "is not used any more" in record.message] == [logging.ERROR]
    assert "4326" in warning or THEIRS in warning


def test_one_that_serves_our_chain_again_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes_module, "DISPROVEN_SECONDS", 0.0)
    node = HandMadeNode(
        each(lambda question: {"result": "0x10e6" if question["method"] == "eth_chainId" else None}),
        otherwise=node_of(6343, OURS)._otherwise,
    )

    async def work(client: NodeClient) -> list[str]:
        await client.call("first", [], str)
        return client.disproven

    assert asked([node, node_of(6343, OURS)], work, proof=PROOF) == []
    assert methods(node)[-1] == "first"


def test_a_node_without_old_blocks_is_right_all_the_same() -> None:
    assert asked([node_of(6343, None)], call("first"), proof=PROOF) == "first"
    pruned = {"error": {"code": 4444, "message": "pruned history unavailable"}}
    node = HandMadeNode(
        otherwise=each(lambda one: pruned if one["method"] == "eth_getBlockByNumber" else {"result": "0x18c7"})
    )
    assert asked([node], call("first"), proof=PROOF) == "0x18c7"


def test_when_no_node_serves_the_chain_it_is_an_error() -> None:
    with pytest.raises(WrongChain, match="on chain 1, the deployment on chain 6343"):
        asked([node_of(1, OURS), node_of(2, OURS)], call(), patience=None, proof=PROOF)


def test_a_block_that_is_another_on_every_node_has_changed() -> None:
    first, second = node_of(6343, THEIRS), node_of(6343, THEIRS)
    assert asked([first, second], call("first"), proof=PROOF) == "first"
    assert methods(first)[-1] == "first"
    assert asked([node_of(1, OURS), node_of(6343, THEIRS)], call("first"), proof=PROOF) == "first"


def test_a_node_that_is_away_is_waited_for_rather_than_another_history_believed() -> None:
    with pytest.raises(NodeUnreachable):
        asked([HandMadeNode(otherwise=status(502)), node_of(6343, THEIRS)], call(), patience=0.3, proof=PROOF)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (status(401), Denied),
        (refused(-32000, "this key has gone", status=402), Denied),
        (refused(-32600, "origin is not allowed", status=403), Denied),
        (refused(-32601, "rpc method is not whitelisted", status=403), MethodNotFound),
        (refused(-32000, "API key was revoked"), Denied),
        (refused(4444, "pruned history unavailable"), Pruned),
        (status(301, Location="https://elsewhere.example/v2"), Denied),
        (status(302, Location="/v2"), Denied),
    ],
    ids=["401", "402", "403", "method", "revoked", "pruned", "moved", "found"],
)
def test_a_node_that_refuses_what_it_must_serve_rests_and_the_refusal_of_the_last_is_the_error(
    reply: Reply, error: type[RpcError]
) -> None:
    bad, good = HandMadeNode(otherwise=reply), HandMadeNode()
    block: Callable[[NodeClient], Awaitable[Any]] = call("eth_blockNumber")

    async def twice(client: NodeClient) -> list[str]:
        return [await block(client), await block(client)]

    assert asked([bad, good], twice) == ["eth_blockNumber!"] * 2
    assert (bad.requests, good.requests) == (1, 2)
    for nodes in (
        [HandMadeNode(otherwise=reply)],
        [HandMadeNode(otherwise=status(401)), HandMadeNode(otherwise=reply)],
    ):
        with pytest.raises(error):
            asked(nodes, block, patience=None)
        assert [node.requests for node in nodes] == [1] * len(nodes)


@pytest.mark.parametrize(
    ("refusal", "times", "ends"),
    [
        (refused(-32601, "the method does not exist"), 2, False),
        (refused(-32601, "rpc method is not whitelisted", status=403), 2, False),
        (status(401), 2, False),
        (refused(4444, "pruned history unavailable"), 2, False),
        (refused(-32601, "the method does not exist"), None, True),
    ],
    ids=["no such method", "not whitelisted", "denied", "pruned", "for good"],
)
@pytest.mark.parametrize("before", ["eth_blockNumber", "eth_chainId"], ids=["served before", "serves others"])
def test_an_only_node_that_refuses_what_it_must_serve_is_asked_again(
    before: str, refusal: Reply, times: int | None, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "MAX_REFUSALS", 4)
    node = HandMadeNode()
    block: Callable[[NodeClient], Awaitable[Any]] = call("eth_blockNumber")

    async def twice(client: NodeClient) -> list[str]:
        first = await client.call(before, [], str)
        node._replies += [refusal] * (times or 4)
        return [first, await block(client)]

    if ends:
        with pytest.raises(MethodNotFound, match="put another one into GHOSTNET_RPC_URLS"):
            asked([node], twice, patience=None)
        assert node.requests == 5
    else:
        assert asked([node], twice, patience=None) == [f"{before}!", "eth_blockNumber!"]


@pytest.mark.parametrize(
    ("method", "message", "requests"),
    [
        ("eth_call", "missing trie node", (1, 2)),
        ("eth_getLogs", "unknown block", (2, 2)),
        ("eth_getBlockByNumber", "the moon is full", (2, 2)),
        ("eth_call", "execution reverted", (2, 0)),
    ],
)
def test_what_one_node_refuses_is_asked_of_the_next_without_a_rest(
    method: str, message: str, requests: tuple[int, int]
) -> None:
    first, second = HandMadeNode(otherwise=refused(-32000, message)), HandMadeNode()

    async def twice(client: NodeClient) -> list[Any]:
        return [(await client.batch([(method, [{}])], str))[0] for _ in range(2)]

    answers = asked([first, second], twice)
    assert (first.requests, second.requests) == requests
    assert [isinstance(answer, RpcError) for answer in answers] == [second.requests == 0] * 2


def test_a_refusal_stands_when_the_next_node_is_away() -> None:
    first = HandMadeNode(otherwise=refused(-32000, "missing trie node"))
    (answer,) = asked(
        [first, HandMadeNode(otherwise=status(502))],
        lambda client: client.batch([("eth_call", [{}])], str),
        patience=None,
    )
    assert isinstance(answer, Pruned)


def test_only_what_was_refused_is_asked_elsewhere() -> None:
    first = HandMadeNode(
        otherwise=each(
            lambda one: {"error": {"code": -32601}} if one["method"] == "debug" else {"result": one["method"]}
        )
    )
    second = HandMadeNode()
    calls: list[tuple[str, list[Any]]] = [("a", []), ("debug", []), ("b", [])]
    assert asked([first, second], lambda client: client.batch(calls, str)) == ["a", "debug!", "b"]
    assert methods(second) == ["debug"]


LOGS_OF_A_RANGE: Call = ("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x9"}])


@pytest.mark.parametrize("proof", [None, PROOF], ids=["at work", "in its proof"])
@pytest.mark.parametrize("calls", [[LOGS_OF_A_RANGE], [("eth_getBlockByNumber", [])] * 50], ids=["range", "batch"])
def test_a_node_that_hangs_costs_one_time_out_before_the_next_is_asked(
    calls: list[Call], proof: Proof | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rests then. What timed out there is not asked of the next one in parts."""
    monkeypatch.setattr(transport, "REQUEST_SECONDS", 1.0)
    monkeypatch.setattr(client_module, "PROOF_SECONDS", 1.0)
    hanging, good = HangingNode(), node_of(6343, OURS)

    async def work(client: NodeClient) -> None:
        for _ in range(2):
            assert len(await client.batch(calls, Any)) == len(calls)

    asked([hanging, good], work, patience=None, proof=proof)
    assert hanging.requests == 1
    assert good.sizes == [*([2] if proof else []), len(calls), len(calls)]


def test_a_proof_that_times_out_says_nothing_of_what_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "REQUEST_SECONDS", 0.1)
    hanging = HangingNode()
    with pytest.raises(NodeUnreachable, match="no answer within"):
        asked([hanging], lambda client: client.batch([LOGS_OF_A_RANGE], Any), patience=0.2, proof=PROOF)
    assert set(methods(hanging)) == {"eth_chainId", "eth_getBlockByNumber"}


def test_a_node_that_refuses_its_proof_in_words_of_its_own_is_asked_again() -> None:
    """It starts or stops; that is no reason to end."""
    node = node_of(6343, OURS)
    starting = each(lambda one: {"error": {"code": -32000, "message": "the moon is rising"}})
    node._replies += [starting, starting]
    assert asked([node], call("first"), proof=PROOF) == "first"
    with pytest.raises(NodeUnreachable, match="the moon is rising"):
        asked([HandMadeNode(otherwise=starting)], call("first"), patience=0.2, proof=PROOF)


def test_while_a_node_rests_nothing_is_sent_that_waited_for_its_turn() -> None:
    """One request is refused; the four that waited are sent when their patience ends, and so is the first again: six
    requests, or a few more where an answer comes just before that end. If they did not wait, there would be ten."""
    node = HandMadeNode(otherwise=status(429, **{"Retry-After": "30"}))

    async def work(client: NodeClient) -> list[Any]:
        for _ in range(9):
            client._limiter.record_refusal()
        return await asyncio.gather(*(client.call("a", [], str) for _ in range(5)), return_exceptions=True)

    assert {type(answer) for answer in asked([node], work, patience=1.0)} == {RateLimited}
    assert 6 <= node.requests < 10


def test_a_node_that_was_turned_away_rests_if_there_is_another() -> None:
    first, second = HandMadeNode(), HandMadeNode()

    async def work(client: NodeClient) -> None:
        client.turn_away("its logs are out of order")
        await client.call("a", [], str)

    asked([first, second], work)
    asked([first], work)
    assert (first.requests, second.requests) == (1, 1)


def keeper_of(state: str) -> HandMadeNode:
    """A node whose contracts return this."""
    return HandMadeNode(otherwise=each(lambda call: {"result": state if call["method"] == "eth_call" else "else"}))


@pytest.mark.parametrize("pruned", [refused(-32000, "missing trie node"), each(lambda _: {"result": "0x"})])
def test_states_are_asked_of_the_node_that_has_them(pruned: Reply) -> None:
    """And of the other one only once, though all else is."""
    without, archive = HandMadeNode(otherwise=pruned), keeper_of("0x01")

    async def work(client: NodeClient) -> list[Any]:
        states = [await client.batch([("eth_call", [])], str) for _ in range(3)]
        await client.batch([("eth_else", [])], str)
        return states

    assert asked([without, archive], work) == [["0x01"]] * 3
    assert methods(without)[:2] == ["eth_call", "eth_else"]
    assert methods(archive)[:3] == ["eth_call"] * 3


def test_what_is_asked_beside_states_stays_with_the_first_node() -> None:
    """Which is not asked for states again and again, though they go in the same request where one node has all."""
    gone = {"error": {"code": -32000, "message": "missing trie node"}}
    lacks = each(lambda call: gone if call["method"] == "eth_call" else {"result": "else"})
    without, archive = HandMadeNode(otherwise=lacks), keeper_of("0x01")
    calls: list[Call] = [("eth_else", []), ("eth_call", []), ("eth_else", [])]

    async def work(client: NodeClient) -> list[Any]:
        return [await client.batch(calls, str) for _ in range(3)]

    assert asked([without, archive], work) == [["else", "0x01", "else"]] * 3
    assert (without.sizes, archive.sizes) == ([3, 2, 2], [1, 1, 1])
    assert methods(archive) == ["eth_call"] * 3


def test_while_the_node_with_states_is_away_the_other_one_is_asked() -> None:
    """It has those of recent blocks."""
    recent, archive = keeper_of("0x02"), keeper_of("0x01")
    recent._replies.append(refused(-32000, "missing trie node"))

    async def work(client: NodeClient) -> list[Any]:
        old = await client.batch([("eth_call", [])], str)
        archive._replies += [status(503)] * 9
        return [old, *[await client.batch([("eth_call", [])], str) for _ in range(2)]]

    assert asked([recent, archive], work) == [["0x01"], ["0x02"], ["0x02"]]


@pytest.mark.parametrize("pruned", [refused(-32000, "missing trie node"), each(lambda _: {"result": "0x"})])
def test_what_no_node_has_is_said_once_all_were_asked(pruned: Reply) -> None:
    nodes = [HandMadeNode(otherwise=pruned), HandMadeNode(otherwise=pruned)]
    (answer,) = asked(nodes, lambda client: client.batch([("eth_call", [])], str))
    assert answer == "0x" or isinstance(answer, Pruned)
    assert [node.requests for node in nodes] == [1, 1]


def test_no_node_is_missing_while_another_one_is_preferred() -> None:
    """A thread beside the event loop prefers a node: a choice at that moment must see them all."""
    counts: list[int] = []

    class ComparedUrl(str):
        __slots__ = ()

        def __ne__(self, other: object) -> bool:
            counts.append(len(client._nodes.all))
            return super().__ne__(other)

        __hash__ = str.__hash__

    client = NodeClient([ComparedUrl("http://127.0.0.1:1"), ComparedUrl("http://127.0.0.1:2")])
    client.prefer("http://127.0.0.1:2")
    assert client._nodes.preferred.url == "http://127.0.0.1:2"
    assert counts == [2, 2]

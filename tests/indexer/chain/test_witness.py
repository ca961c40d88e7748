"""Queries about single players: answers of another block are ignored."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from indexer.chain import consistency
from indexer.chain.options import SourceOptions
from indexer.chain.source import BlockSource
from indexer.chain.witness import NodeWitness
from indexer.replay.server import ReplayServer
from tests.chains import ADDRESSES, user
from tests.contract_state import state_of
from tests.indexer.chain.ways import claims_chain

BLOCKS = claims_chain().blocks
ENTERED = 2
"""The block in which the player enters."""


class DistractedServer(ReplayServer):
    """A node one of whose machines gives so many views as of the block before the player enters."""

    wrong = 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_call" and self.wrong:
            self.wrong -= 1
            params = [params[0], hex(ENTERED - 1)]
        return super()._result(method, params, socket)


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[DistractedServer]:
    monkeypatch.setattr(consistency, "FIRST_PAUSE_SECONDS", 0.001)
    with DistractedServer(BLOCKS, state=state_of(BLOCKS)) as server:
        yield server


@pytest.fixture
def witness(node: DistractedServer) -> Iterator[NodeWitness]:
    source = BlockSource(SourceOptions([node.url], None, 6343, ADDRESSES))
    source.open()
    try:
        yield NodeWitness(source, ADDRESSES)
    finally:
        source.stop()


def test_a_player_is_as_after_the_block_that_was_asked_for(node: DistractedServer, witness: NodeWitness) -> None:
    assert (witness.is_alive(user(1), ENTERED), witness.stake(user(1), ENTERED)) == (True, 10**19)
    assert (witness.is_alive(user(1), ENTERED - 1), witness.stake(user(1), ENTERED - 1)) == (False, 0)
    for wrong in (1, 2):
        node.wrong = wrong
        assert witness.is_alive(user(1), ENTERED) is True
        node.wrong = wrong
        assert witness.stake(user(1), ENTERED) == 10**19


def test_what_is_of_another_block_time_and_again_is_no_answer(node: DistractedServer, witness: NodeWitness) -> None:
    assert witness.is_alive(user(1), ENTERED) is True
    node.wrong = 1_000
    assert witness.is_alive(user(1), ENTERED) is None
    assert witness.stake(user(1), ENTERED) is None

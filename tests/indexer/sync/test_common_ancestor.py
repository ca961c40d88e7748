"""The common ancestor, found by comparing stored headers with those of a node."""

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg import Connection

from indexer.domain.chain import Header
from indexer.domain.units import NO_HASH, Hash, to_bytes
from indexer.sync.common_ancestor import NoCommonAncestor, find_divergence

TIP = 5_000


def our_hash(number: int) -> Hash:
    return Hash(f"0x{number:064x}")


def their_hash(number: int) -> Hash:
    return Hash(f"0xff{number:062x}")


class OtherChain:
    """A node that shares our blocks up to one of them, and does not know those above another."""

    def __init__(self, shared: int, known: int = TIP) -> None:
        self.shared, self.known = shared, known
        self.asked: list[int] = []

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        self.asked.append(len(numbers))
        return [self.header(number) if number <= self.known else None for number in numbers]

    def header(self, number: int) -> Header:
        block_hash = our_hash(number) if number <= self.shared else their_hash(number)
        return Header(number, block_hash, NO_HASH, number)


@pytest.fixture
def stored(connection: Connection[Any]) -> Connection[Any]:
    """Our headers from block 1 to the tip."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY blocks (number, hash, timestamp) FROM STDIN") as rows,
    ):
        for number in range(1, TIP + 1):
            rows.write_row((number, to_bytes(our_hash(number)), number))
    return connection


@pytest.mark.parametrize(
    ("shared", "known", "ancestor"),
    [
        (TIP, TIP, None),
        (TIP - 1, TIP, TIP - 1),
        (TIP - 40, TIP, TIP - 40),
        (TIP - 40, TIP - 10, TIP - 40),
        (TIP, TIP - 40, None),
        (1, TIP, 1),
    ],
    ids=["the same", "one other", "more than one look", "other and shorter", "a node that lags", "all but the first"],
)
def test_the_highest_shared_block_is_found(
    stored: Connection[Any], shared: int, known: int, ancestor: int | None
) -> None:
    node = OtherChain(shared, known)
    divergence = find_divergence(stored, node.headers, TIP, TIP)
    if ancestor is None:
        assert divergence is None
    else:
        assert divergence is not None
        assert divergence.ancestor == ancestor
        assert divergence.new_hashes == [their_hash(number) for number in range(shared + 1, known + 1)]
    assert len(node.asked) <= 12


def test_heights_above_the_node_s_head_are_not_asked_for(stored: Connection[Any]) -> None:
    node = OtherChain(TIP - 300, known=TIP - 200)
    divergence = find_divergence(stored, node.headers, TIP, TIP - 200)
    assert divergence is not None
    assert (divergence.ancestor, len(divergence.new_hashes)) == (TIP - 300, 100)
    assert sum(node.asked) < 300


def test_a_node_without_blocks_contradicts_nothing(stored: Connection[Any]) -> None:
    assert find_divergence(stored, OtherChain(0, known=0).headers, TIP, TIP) is None


def test_a_chain_that_shares_nothing_is_refused(stored: Connection[Any]) -> None:
    with pytest.raises(NoCommonAncestor, match="shares none of the 5000 headers stored up to block 5000"):
        find_divergence(stored, OtherChain(0).headers, TIP, TIP)

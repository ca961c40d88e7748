"""Each case of the reconciler."""

import pytest

from indexer.domain.units import Hash
from indexer.sync.reconciler import Place, Tip, reconcile


@pytest.mark.parametrize(
    ("number", "block_hash", "parent_hash", "place"),
    [
        (11, "0xb", "0xa", Place.NEXT),
        (11, "0xb", "0xother", Place.REORG),
        (10, "0xa", "0x9", Place.DUPLICATE),
        (10, "0xother", "0x9", Place.REORG),
        (9, "0x9", "0x8", Place.BEHIND),
        (12, "0xc", "0xb", Place.GAP),
    ],
)
def test_a_block_is_placed_by_its_hashes(number: int, block_hash: str, parent_hash: str, place: Place) -> None:
    assert reconcile(Tip(10, Hash("0xa")), number, block_hash, parent_hash) is place


def test_before_the_first_block_any_parent_will_do() -> None:
    assert reconcile(Tip(99, None), 100, "0x100", "0xwhatever") is Place.NEXT
    assert reconcile(Tip(99, None), 101, "0x101", "0x100") is Place.GAP

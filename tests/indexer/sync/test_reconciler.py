"""How each fetched block links to the last applied one."""

import pytest

from indexer.domain.units import Hash
from indexer.sync.reconciler import Linkage, Tip, reconcile


@pytest.mark.parametrize(
    ("number", "block_hash", "parent_hash", "linkage"),
    [
        (11, "0xb", "0xa", Linkage.NEXT),
        (11, "0xb", "0xother", Linkage.REORG),
        (10, "0xa", "0x9", Linkage.DUPLICATE),
        (10, "0xother", "0x9", Linkage.REORG),
        (9, "0x9", "0x8", Linkage.BEHIND),
        (12, "0xc", "0xb", Linkage.GAP),
    ],
)
def test_a_block_s_linkage_is_decided_by_its_hashes(
    number: int, block_hash: str, parent_hash: str, linkage: Linkage
) -> None:
    assert reconcile(Tip(10, Hash("0xa")), number, block_hash, parent_hash) is linkage


def test_before_the_first_block_any_parent_is_accepted() -> None:
    assert reconcile(Tip(99, None), 100, "0x100", "0xwhatever") is Linkage.NEXT
    assert reconcile(Tip(99, None), 101, "0x101", "0x100") is Linkage.GAP

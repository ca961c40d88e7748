"""Blocks without events: what is known about them."""

import pytest

from indexer.models import BlockHeader
from indexer.selectors.blocks import BlockEvents, events_in

HASH = "0x" + "ab" * 32


@pytest.mark.usefixtures("database")
def test_a_recent_block_without_events_has_its_header_s_hash_and_time() -> None:
    BlockHeader.objects.create(number=7, hash=HASH, timestamp=1_767_225_600)
    assert events_in(7) == BlockEvents(7, HASH, 1_767_225_600, [])
    assert events_in(8) == BlockEvents(8, None, None, [])

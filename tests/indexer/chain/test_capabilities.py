"""What is remembered of the nodes' states of old blocks."""

from indexer.chain.capabilities import RECENT_BLOCKS, FullBlocks, StateHistory

HEAD = 10 * RECENT_BLOCKS


def test_a_lack_is_remembered_until_other_nodes_may_be_in_use() -> None:
    history = StateHistory(FullBlocks.AUTO)
    assert history.has_state(5, HEAD)
    history.unavailable(5, HEAD, "pruned")
    assert history.needs_full_blocks(5, HEAD)
    assert not history.has_state(5, HEAD)
    history.nodes_changed()
    assert not history.needs_full_blocks(5, HEAD)
    assert history.has_state(5, HEAD)


def test_that_it_is_there_is_remembered_for_good() -> None:
    history = StateHistory(FullBlocks.AUTO)
    history.available(5, HEAD)
    history.nodes_changed()
    assert history.is_known
    assert history.bounded(5, HEAD, HEAD) == HEAD

"""Which nodes are remembered to have, or not to have, the state of old blocks."""

from indexer.chain.state_availability import RECENT_BLOCKS, FullBlocks, StateAvailability

HEAD = 10 * RECENT_BLOCKS


def test_a_lack_is_remembered_until_other_nodes_may_be_in_use() -> None:
    availability = StateAvailability(FullBlocks.AUTO)
    assert availability.may_have_state(5, HEAD)
    availability.record_unavailable(5, HEAD, "pruned")
    assert availability.needs_full_blocks(5, HEAD)
    assert not availability.may_have_state(5, HEAD)
    availability.reset_after_node_change()
    assert not availability.needs_full_blocks(5, HEAD)
    assert availability.may_have_state(5, HEAD)


def test_that_it_is_there_is_remembered_for_good() -> None:
    availability = StateAvailability(FullBlocks.AUTO)
    availability.record_available(5, HEAD)
    availability.reset_after_node_change()
    assert availability.is_known
    assert availability.bounded(5, HEAD, HEAD) == HEAD

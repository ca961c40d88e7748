"""The number of blocks that are requested at once."""

import pytest

from indexer.chain.ranges import MAX_BLOCKS, TARGET_BYTES, TARGET_LOGS, TARGET_SECONDS, AdaptiveRange


def test_the_range_aims_at_so_many_logs_and_halves_when_refused() -> None:
    size = AdaptiveRange(first=100)
    size.record_success(100, 100, 1_000, 0.1)
    assert size.size == 400
    size.record_success(400, 10 * TARGET_LOGS, 1_000, 0.1)
    assert size.size == 40
    size.record_refusal(40)
    assert size.size == 20
    for _ in range(10):
        size.record_refusal(size.size)
    assert size.size == 1


@pytest.mark.parametrize(
    ("received", "seconds"), [(10 * TARGET_BYTES, 0.1), (1_000, 10 * TARGET_SECONDS)], ids=["bytes", "seconds"]
)
def test_the_range_shrinks_by_what_an_answer_costs(received: int, seconds: float) -> None:
    size = AdaptiveRange(first=100)
    size.record_success(100, 0, received, seconds)
    assert size.size == 10


def test_a_range_without_logs_grows_up_to_its_bound() -> None:
    size = AdaptiveRange()
    for _ in range(20):
        size.record_success(size.size, 0, 100, 0.01)
    assert size.size == MAX_BLOCKS


@pytest.mark.parametrize("refused", [2, 200])
def test_a_refusal_of_the_past_does_not_keep_ranges_small_for_ever(refused: int) -> None:
    size = AdaptiveRange(first=refused)
    size.record_refusal(refused)
    sizes = []
    for _ in range(30):
        size.record_success(size.size, 0, 100, 0.01)
        sizes.append(size.size)
    assert all(blocks < refused for blocks in sizes[:16])
    assert size.size > 10_000


@pytest.mark.parametrize("limit", [10, 1000])
def test_a_node_s_limit_is_tried_ever_more_rarely(limit: int) -> None:
    size, refused, blocks = AdaptiveRange(), 0, 0
    for _ in range(1_000):
        if size.size > limit:
            size.record_refusal(size.size)
            refused += 1
        else:
            blocks += size.size
            size.record_success(size.size, 0, 100, 0.01)
    assert refused < 50
    assert blocks > 0.9 * 1_000 * limit


def test_a_refusal_that_did_not_come_again_does_not_make_later_ones_last_longer() -> None:
    size = AdaptiveRange()
    for _ in range(8):
        size.record_refusal(2)
        for _ in range(17):
            size.record_success(size.size, 0, 100, 0.01)
        assert size.size > 2
        size.record_success(size.size, 0, 100, 0.01)

"""The values that the contracts' views return, compared with eth_abi's reading."""

import random

import pytest
from eth_abi import abi
from eth_abi.exceptions import DecodingError

from indexer.chain import views
from indexer.chain.views import View

VIEWS = [view for view in vars(views).values() if isinstance(view, View)]
READ = [view for view in VIEWS if view is not views.GET_ACTIVE_BOOSTS]
NUMBERS = [0, 1, 2, 255, 256, 2**16 - 1, 2**16, 2**64, 2**160 - 1, 2**160, 2**256 - 1]


@pytest.mark.parametrize("view", READ, ids=lambda view: view.signature)
def test_answers_of_any_shape_are_read_as_eth_abi_reads_them(view: View) -> None:
    draw = random.Random(view.signature)
    for _ in range(200):
        words = [draw.choice(NUMBERS[: draw.randint(1, len(NUMBERS))]) for _ in range(len(view.results) + 2)]
        data = b"".join(word.to_bytes(32) for word in words)[: draw.choice([-1, 32 * len(view.results), None])]
        try:
            expected = abi.decode(view.results, data)
        except DecodingError:
            with pytest.raises(ValueError, match=view.signature.partition("(")[0]):
                view.decode("0x" + data.hex())
        else:
            assert view.decode("0x" + data.hex()) == expected


@pytest.mark.parametrize("answer", ["0x", "0x" + "00" * 31, "0x" + "zz" * 32])
def test_what_is_no_answer_is_an_error(answer: str) -> None:
    with pytest.raises(ValueError, match=r"paused|non-hexadecimal"):
        views.PAUSED.decode(answer)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.signature)
def test_calls_are_written_as_eth_abi_writes_them(view: View) -> None:
    draw = random.Random(view.signature)
    for _ in range(20):
        arguments = [
            f"0x{draw.getrandbits(160):040x}" if kind == "address" else draw.choice([0, 1, 255])
            for kind in view.arguments
        ]
        assert view.calldata(*arguments) == "0x" + view.selector + abi.encode(view.arguments, arguments).hex()


@pytest.mark.parametrize("arguments", [(), (256,), (1, 2), (-1,)])
def test_arguments_that_a_view_can_not_have_are_refused(arguments: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"getLevelState\(uint8\) can't be called with"):
        views.GET_LEVEL_STATE.calldata(*arguments)

"""What the contracts' views return, read as eth_abi reads it."""

import random

import pytest
from eth_abi import abi
from eth_abi.exceptions import DecodingError

from indexer.chain import views
from indexer.chain.views import View

VIEWS = [view for view in vars(views).values() if isinstance(view, View)]
NUMBERS = [0, 1, 2, 255, 256, 2**16 - 1, 2**16, 2**64, 2**160 - 1, 2**160, 2**256 - 1]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.signature)
def test_answers_of_any_shape_are_read_as_eth_abi_reads_them(view: View) -> None:
    draw = random.Random(view.signature)
    for _ in range(200):
        words = [draw.choice(NUMBERS[: draw.randint(1, len(NUMBERS))]) for _ in range(len(view.results) + 2)]
        data = b"".join(word.to_bytes(32) for word in words)[: draw.choice([-1, 32 * len(view.results), None])]
        try:
            expected = abi.decode(view.results, data)
        except DecodingError:
            with pytest.raises((DecodingError, ValueError)):
                view.decode("0x" + data.hex())
        else:
            assert view.decode("0x" + data.hex()) == expected


@pytest.mark.parametrize("answer", ["0x", "0x" + "00" * 31, "0x" + "zz" * 32])
def test_what_is_no_answer_is_an_error(answer: str) -> None:
    with pytest.raises((DecodingError, ValueError)):
        views.PAUSED.decode(answer)

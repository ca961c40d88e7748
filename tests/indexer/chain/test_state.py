"""The contracts' state, as a node returns it."""

import random

import pytest
from eth_abi import abi

from indexer.chain.state import results_of

RESULTS: list[list[tuple[bool, bytes]]] = [
    [],
    [(True, b"")],
    [(False, b"\x08\xc3\x79\xa0"), (True, bytes(range(32)))],
    [(bool(number % 3), random.Random(number).randbytes(32 * (number % 5) + number % 2)) for number in range(40)],
]


@pytest.mark.parametrize("results", RESULTS, ids=len)
def test_results_are_read_as_eth_abi_reads_them(results: list[tuple[bool, bytes]]) -> None:
    answer = "0x" + abi.encode(["(bool,bytes)[]"], [results]).hex()
    assert [(success, bytes.fromhex(result[2:])) for success, result in results_of(answer)] == results


@pytest.mark.parametrize("cut", [1, 32, 33, 64, 200])
def test_an_answer_that_was_cut_off_is_an_error(cut: int) -> None:
    whole = "0x" + abi.encode(["(bool,bytes)[]"], [[(True, bytes(32))] * 3]).hex()
    with pytest.raises(ValueError, match=r"ends before|can't hold|is none"):
        results_of(whole[: -2 * cut])


@pytest.mark.parametrize("answer", ["0x", "0x" + "ff" * 96, "0x" + "00" * 31 + "20" + "ff" * 64])
def test_what_is_no_list_of_results_is_an_error(answer: str) -> None:
    with pytest.raises(ValueError, match=r"ends before|can't hold|is none"):
        results_of(answer)

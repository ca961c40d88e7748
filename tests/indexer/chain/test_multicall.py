"""The encoding of Multicall3's calls and results is that of eth_abi."""

import random

import pytest
from eth_abi import abi
from eth_hash.auto import keccak

from indexer.chain.multicall import multicall_calldata, multicall_results
from indexer.replay.multicall import encoded_results

RESULTS: list[list[tuple[bool, bytes]]] = [
    [],
    [(True, b"")],
    [(False, b"\x08\xc3\x79\xa0"), (True, bytes(range(32)))],
    [(bool(number % 3), random.Random(number).randbytes(32 * (number % 5) + number % 2)) for number in range(40)],
]


@pytest.mark.parametrize("results", RESULTS, ids=len)
def test_results_are_read_and_written_as_eth_abi_does(results: list[tuple[bool, bytes]]) -> None:
    answer = "0x" + abi.encode(["(bool,bytes)[]"], [results]).hex()
    assert [(success, bytes.fromhex(result[2:])) for success, result in multicall_results(answer)] == results
    assert "0x" + encoded_results(results).hex() == answer


@pytest.mark.parametrize("calls", RESULTS, ids=len)
def test_calls_are_put_together_as_eth_abi_does(calls: list[tuple[bool, bytes]]) -> None:
    to = [f"0x{number:040x}" for number, _ in enumerate(calls)]
    together = [(target, True, data) for target, (_, data) in zip(to, calls, strict=True)]
    selector = keccak(b"aggregate3((address,bool,bytes)[])")[:4]
    expected = selector + abi.encode(["(address,bool,bytes)[]"], [together])
    assert multicall_calldata([(target, data.hex()) for target, _, data in together]) == "0x" + expected.hex()


@pytest.mark.parametrize("cut", [1, 32, 33, 64, 200])
def test_an_answer_that_was_cut_off_is_an_error(cut: int) -> None:
    whole = "0x" + abi.encode(["(bool,bytes)[]"], [[(True, bytes(32))] * 3]).hex()
    with pytest.raises(ValueError, match=r"ends after|can't hold|is none|no whole words"):
        multicall_results(whole[: -2 * cut])


@pytest.mark.parametrize("answer", ["0x", "0x" + "ff" * 96, "0x" + "00" * 31 + "20" + "ff" * 64])
def test_what_is_no_list_of_results_is_an_error(answer: str) -> None:
    with pytest.raises(ValueError, match=r"ends after|can't hold|is none|no whole words"):
        multicall_results(answer)

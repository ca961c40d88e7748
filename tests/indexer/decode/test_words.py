"""The cache of values of 32-byte words."""

import pytest

from indexer.decode import words
from indexer.decode.words import WORDS, Words

ONE = "0" * 63 + "1"


def test_a_word_is_read_once_until_too_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_KEPT", 2)
    read: list[str] = []

    def number(digits: str) -> int:
        read.append(digits)
        return int(digits, 16)

    known = Words(number)
    texts = [f"{value:064x}" for value in (1, 2, 1, 2, 3, 1)]
    assert [known[text] for text in texts] == [1, 2, 1, 2, 3, 1]
    assert read == [texts[0], texts[1], texts[4], texts[0]]
    assert len(known) == 2


@pytest.mark.parametrize(
    ("abi_type", "word"),
    [
        ("bool", "0" * 63 + "2"),
        ("uint8", "0" * 61 + "100"),
        ("uint16", "0" * 59 + "10000"),
        ("uint64", "0" * 47 + "1" + "0" * 16),
        ("address", "1" + "0" * 63),
        ("uint256", "-" + ONE[1:]),
        ("uint256", ONE[1:]),
        ("bytes32", ONE + "00" * 2),
        ("bytes32", "zz" * 32),
        ("bytes4", "00" * 5 + "01" + "00" * 26),
        ("int8", "0" * 62 + "80"),
        ("int8", "f" * 62 + "7f"),
        ("uint64", "0" * 62 + "_1"),
        ("uint64", " " * 63 + "1"),
        ("uint64", "0" * 63 + "\u0663"),
    ],
)
def test_what_is_no_value_of_its_type_is_refused(abi_type: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        WORDS[abi_type][word]
    assert word not in WORDS[abi_type]

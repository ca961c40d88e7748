"""Find calls in calldata: death lists, claims of rewards, level configurations.

A call may stand at the head of the input or be nested anywhere in it, as another contract's argument. Calldata is a
hint, never a proof: anybody can send these bytes to any address (docs/game-rules.md, "What is evidence").
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Final

from indexer.domain.levels import LevelConfig
from indexer.domain.units import Address, Calldata

SUBMIT_DEATHS: Final = "fd297588"
"""Selector of `TraceScan.submitDeaths(uint8,address[])`."""

CLAIM_REWARDS: Final = "372500ab"
"""Selector of `GhostCore.claimRewards()`."""

UPDATE_LEVEL_CONFIG: Final = "a6388332"
"""Selector of `GhostCore.updateLevelConfig(uint8,(uint16,uint32,uint256,uint32,uint16,uint16))`."""

_WORD: Final = 64
_ADDRESS_PADDING: Final = "0" * 24
_CONFIG_LIMITS: Final = (8, 16, 32, 256, 32, 16, 16)


@dataclass(frozen=True, slots=True)
class DeathList:
    """The users of one `submitDeaths` call; `offset` is where it stands, in hex digits of the input."""

    offset: int
    level: int
    users: tuple[Address, ...]


def death_lists(calldata: Calldata) -> Iterator[DeathList]:
    """Every ABI-shaped `submitDeaths` call in an input, in order."""
    for offset in _occurrences(calldata, SUBMIT_DEATHS):
        arguments = calldata[offset + len(SUBMIT_DEATHS) :]
        level, head = _uint(arguments, 0), _uint(arguments, _WORD)
        if level is None or head is None or not 1 <= level <= 5:
            continue
        users = _address_array(arguments, head * 2)
        if users is not None:
            yield DeathList(offset, level, users)


def address_arrays(calldata: Calldata) -> Iterator[tuple[Address, ...]]:
    """Everything in an input that has the shape of an address array: a length and so many padded addresses."""
    for start in range(2 + 8, len(calldata) - _WORD + 1, _WORD):
        users = _address_array(calldata, start)
        if users:
            yield users


def level_config_of(calldata: Calldata) -> tuple[int, LevelConfig] | None:
    """Level and configuration of a call of `updateLevelConfig` itself; None for any other calldata."""
    return _level_config(calldata, 2) if calldata.startswith("0x" + UPDATE_LEVEL_CONFIG) else None


def level_configs_in(calldata: Calldata) -> Iterator[tuple[int, LevelConfig]]:
    """Level and configuration of every call of `updateLevelConfig` in an input, in order."""
    for offset in _occurrences(calldata, UPDATE_LEVEL_CONFIG):
        if (found := _level_config(calldata, offset)) is not None:
            yield found


def _level_config(calldata: Calldata, offset: int) -> tuple[int, LevelConfig] | None:
    """The arguments of a call of `updateLevelConfig` that stands at a place, in hex digits; None if they can't be."""
    start = offset + len(UPDATE_LEVEL_CONFIG)
    words = [_uint(calldata, start + index * _WORD) for index in range(len(_CONFIG_LIMITS))]
    values = [word for word, bits in zip(words, _CONFIG_LIMITS, strict=True) if word is not None and word < 1 << bits]
    if len(values) != len(_CONFIG_LIMITS) or not 1 <= values[0] <= 5:
        return None
    return values[0], LevelConfig(*values[1:])


def encoded_level_config(level: int, config: LevelConfig) -> str:
    """The hex digits of a call of `updateLevelConfig` with these arguments."""
    return UPDATE_LEVEL_CONFIG + "".join(f"{value:064x}" for value in (level, *astuple(config)))


def makes_claim(calldata: Calldata) -> bool:
    """Whether calldata is a call of `claimRewards()` itself."""
    return calldata.startswith("0x" + CLAIM_REWARDS)


def hints_at_silent_change(calldata: str) -> bool:
    """Whether calldata contains, anywhere, the selector of a call that leaves no log. It is no proof: anybody can send
    these bytes to any address."""
    return CLAIM_REWARDS in calldata or UPDATE_LEVEL_CONFIG in calldata


def _occurrences(calldata: Calldata, selector: str) -> Iterator[int]:
    at = calldata.find(selector, 2)
    while at != -1:
        if at % 2 == 0:
            yield at
        at = calldata.find(selector, at + 1)


def _uint(digits: str, start: int) -> int | None:
    word = digits[start : start + _WORD]
    return int(word, 16) if len(word) == _WORD else None


def _address_array(digits: str, start: int) -> tuple[Address, ...] | None:
    length = _uint(digits, start)
    if length is None or length > (len(digits) - start) // _WORD - 1:
        return None
    users = []
    for index in range(length):
        at = start + _WORD * (index + 1)
        if digits[at : at + 24] != _ADDRESS_PADDING:
            return None
        users.append(Address("0x" + digits[at + 24 : at + _WORD]))
    return tuple(users)

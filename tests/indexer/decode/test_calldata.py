"""Calldata yields hints at changes that leave no log."""

from typing import Final

import pytest

from indexer.decode.calldata import hints_at_silent_change, level_config_of, makes_claim
from indexer.domain.levels import LevelConfig
from indexer.domain.units import DATA, Calldata
from tests.chains import GHOST_CORE, update_level_config, wrapped

CONFIG: Final = LevelConfig(600, 7200, 11 * DATA, 4000, 4000, 7000)
CALL: Final = Calldata(update_level_config(3, CONFIG))
CLAIM: Final = Calldata("0x372500ab")
NESTED: Final = [Calldata(wrapped((GHOST_CORE, inner))) for inner in (CALL, CLAIM)]


def test_a_call_of_the_function_itself_shows_level_and_configuration() -> None:
    assert level_config_of(CALL) == (3, CONFIG)
    assert level_config_of(Calldata(CALL + "00" * 40)) == (3, CONFIG)


@pytest.mark.parametrize(
    "calldata",
    [
        "0x",
        CALL[:-2],
        update_level_config(0, CONFIG),
        update_level_config(6, CONFIG),
        CALL.replace(f"{600:064x}", f"{1 << 16:064x}"),
        CLAIM,
        *NESTED,
    ],
    ids=["empty", "cut", "level 0", "level 6", "a rate of 17 bits", "another function", "nested", "nested claim"],
)
def test_no_other_calldata_shows_a_configuration(calldata: str) -> None:
    assert level_config_of(Calldata(calldata)) is None


def test_only_a_call_of_the_function_itself_makes_a_claim() -> None:
    assert makes_claim(CLAIM)
    assert makes_claim(Calldata(CLAIM + "ff"))
    assert not any(map(makes_claim, [*NESTED, CALL, Calldata("0x"), Calldata("0x00372500ab")]))


def test_either_selector_anywhere_is_a_hint() -> None:
    assert all(map(hints_at_silent_change, [CALL, CLAIM, *NESTED]))
    assert not any(map(hints_at_silent_change, ["0x", "0xfd297588", "0x372500", "0xa63883"]))

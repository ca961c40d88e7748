"""What comes in: parameters, their bounds, and how they read."""

from datetime import UTC, datetime
from typing import Annotated, Final

from ninja import Path, Query
from pydantic import AwareDatetime

from indexer.domain.levels import LevelId
from indexer.domain.units import Address

LEVEL_PATTERN: Final = "^([1-5]|" + "|".join(level.name for level in LevelId if level) + ")$"
FIRST_TIME: Final = datetime(2020, 1, 1, tzinfo=UTC)
LAST_TIME: Final = datetime(2100, 1, 1, tzinfo=UTC)
MOST_BLOCK: Final = 1 << 39
"""More than any chain has; ids of such blocks still fit into 64 bits."""

ADDRESS_PATTERN: Final = "^0[xX][0-9a-fA-F]{40}$"
AddressIn = Annotated[str, Path(pattern=ADDRESS_PATTERN, description="An account, in any casing.")]
BlockIn = Annotated[int | None, Query(ge=0, le=MOST_BLOCK, description="The state after this block.")]
MinBlockIn = Annotated[
    int | None,
    Query(ge=0, le=MOST_BLOCK, description="Answer 425 unless this block is indexed: to read one's own write."),
]
From = Annotated[
    AwareDatetime | None, Query(alias="from", ge=FIRST_TIME, le=LAST_TIME, description="The first moment.")
]
To = Annotated[
    AwareDatetime | None, Query(alias="to", ge=FIRST_TIME, le=LAST_TIME, description="The moment after the last.")
]


def address_in(text: str) -> Address:
    """An address as we keep it."""
    return Address(text.lower())


LevelIn = Annotated[str | None, Query(pattern=LEVEL_PATTERN, description="A level by number or name.")]

RequiredLevel = Annotated[str, Query(pattern=LEVEL_PATTERN, description="A level by number or name.")]


def level_in(text: str) -> int:
    """A level's number, of its number or its name."""
    return int(text) if text.isdecimal() else int(LevelId[text])

"""Parameters that several paths take, with their bounds."""

from datetime import UTC, datetime
from typing import Annotated, Final

from ninja import Path, Query
from pydantic import AwareDatetime

from indexer.domain.betting import RoundType, RoundTypeName
from indexer.domain.levels import LevelId
from indexer.domain.units import ADDRESS_PATTERN, MAX_BLOCK, Address
from indexer.selectors.periods import Interval, Period

LEVEL_PATTERN: Final = "^([1-5]|" + "|".join(level.name for level in LevelId if level) + ")$"
FIRST_TIME: Final = datetime(2020, 1, 1, tzinfo=UTC)
LAST_TIME: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""No range of time begins earlier, or ends later."""

ACCOUNT_PATTERN: Final = f"^{ADDRESS_PATTERN}$"
AddressIn = Annotated[str, Path(pattern=ACCOUNT_PATTERN, description="An account, in any casing.")]
BlockIn = Annotated[int | None, Query(ge=0, le=MAX_BLOCK, description="The state after this block.")]
MinBlockIn = Annotated[
    int | None,
    Query(ge=0, le=MAX_BLOCK, description="Answer 425 unless this block is indexed: to read one's own write."),
]
From = Annotated[
    AwareDatetime | None, Query(alias="from", ge=FIRST_TIME, le=LAST_TIME, description="The first moment.")
]
To = Annotated[
    AwareDatetime | None, Query(alias="to", ge=FIRST_TIME, le=LAST_TIME, description="The moment after the last.")
]
IntervalIn = Annotated[Interval, Query(description="The width of a bucket; weeks begin on Mondays.")]
PeriodIn = Annotated[
    Period, Query(description="The last 24 hours, 7 days or 30 days, the current hour or day included, or all time.")
]
RoundTypeIn = Annotated[RoundTypeName | None, Query(alias="type", description="What the rounds are about.")]
LevelIn = Annotated[str | None, Query(pattern=LEVEL_PATTERN, description="A level by number or name.")]
RequiredLevel = Annotated[str, Query(pattern=LEVEL_PATTERN, description="A level by number or name.")]
LevelInPath = Annotated[str, Path(pattern=LEVEL_PATTERN, description="A level by number or name.")]


def address_in(text: str) -> Address:
    """An address as the tables hold it."""
    return Address(text.lower())


def optional_address(text: str | None) -> Address | None:
    """An address as `address_in`; None for none."""
    return None if text is None else address_in(text)


def level_in(text: str) -> int:
    """A level's number, from its number or its name."""
    return int(text) if text.isdecimal() else int(LevelId[text])


def optional_level(text: str | None) -> int | None:
    """A level's number as `level_in`; None for none."""
    return None if text is None else level_in(text)


def round_type_in(name: str | None) -> RoundType | None:
    """A type of rounds from its name; None for none."""
    return None if name is None else RoundType[name.upper()]

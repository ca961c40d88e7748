"""Parameters that several paths take, with their bounds."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from ninja import Path, Query
from pydantic import AwareDatetime, BeforeValidator

from indexer.domain.betting import RoundType, RoundTypeName
from indexer.domain.levels import LevelId
from indexer.domain.units import ADDRESS_PATTERN, HASH_PATTERN, MAX_BLOCK, Address
from indexer.selectors.periods import Interval, Period

LEVEL_PATTERN: Final = "^([1-5]|" + "|".join(level.name for level in LevelId if level) + ")$"
FIRST_TIME: Final = datetime(2020, 1, 1, tzinfo=UTC)
LAST_TIME: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""No range of time begins earlier, or ends later."""

ACCOUNT_PATTERN: Final = f"^{ADDRESS_PATTERN}$"
TRANSACTION_PATTERN: Final = f"^{HASH_PATTERN}$"
NAME_PATTERN: Final = "^[A-Za-z]{1,64}$"

WORDING: Final = {
    ACCOUNT_PATTERN: "an address is 0x and 40 hex digits",
    TRANSACTION_PATTERN: "a transaction's hash is 0x and 64 hex digits",
    LEVEL_PATTERN: f"a level is 1 to 5, or {', '.join(level.name for level in LevelId if level)}",
    NAME_PATTERN: "a name is letters",
}
"""What a value that does not match a pattern should be, in words."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def rfc3339(text: Any) -> Any:
    """A time as RFC 3339 writes it, which is the one form: pydantic takes seconds since 1970 and more. Raises
    ValueError."""
    if isinstance(text, str) and not _TIME.fullmatch(text):
        raise ValueError("a time is written as 2026-01-31T12:00:00Z (RFC 3339), and a + in it as %2B")
    return text


Time = Annotated[AwareDatetime, BeforeValidator(rfc3339)]
AddressIn = Annotated[str, Path(pattern=ACCOUNT_PATTERN, description="An account, in any casing.")]
BlockIn = Annotated[int | None, Query(ge=0, le=MAX_BLOCK, description="The state after this block.")]
MinBlockIn = Annotated[
    int | None,
    Query(ge=0, le=MAX_BLOCK, description="Answer 425 unless this block is indexed: to read one's own write."),
]
From = Annotated[Time | None, Query(alias="from", ge=FIRST_TIME, le=LAST_TIME, description="The first moment.")]
To = Annotated[Time | None, Query(alias="to", ge=FIRST_TIME, le=LAST_TIME, description="The moment after the last.")]
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

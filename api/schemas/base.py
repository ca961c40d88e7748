"""What all answers are made of."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field

from indexer.domain.levels import LevelId
from indexer.selectors.addresses import checksummed

LAST_SECOND: Final = 253_402_300_799
"""The last second of the year 9999: later times of the contracts go out as null."""


Wei = Annotated[str, BeforeValidator(str), Field(pattern=r"^-?\d+$", examples=["1500000000000000000"])]
"""An amount in wei as decimal digits: more than a JSON number holds."""


Address = Annotated[
    str,
    BeforeValidator(checksummed),
    Field(pattern="^0x[0-9a-fA-F]{40}$", examples=["0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d"]),
]
"""An account, EIP-55 checksummed."""


def _moment(value: Any) -> Any:
    """Unix seconds as a time; None for what no calendar holds."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC) if value <= LAST_SECOND else None
    return value


Moment = Annotated[datetime | None, BeforeValidator(_moment), Field(examples=["2026-01-01T00:00:00Z"])]
"""Chain time, RFC 3339 in UTC."""


class LevelName(BaseModel):
    """A risk level."""

    id: int = Field(examples=[4])
    name: str = Field(examples=["DARKNET"])

    @classmethod
    def of(cls, level: int) -> "LevelName":
        """The level of a number."""
        return cls(id=level, name=LevelId(level).name)


class ProblemField(BaseModel):
    """What is wrong with one parameter."""

    parameter: str = Field(examples=["limit"])
    message: str = Field(examples=["Input should be less than or equal to 500"])


class Problem(BaseModel):
    """An error (RFC 9457); `errors` for bad input only."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["1 parameter can't be used"])
    errors: list[ProblemField] | None = None


TxHash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", examples=["0x" + "ab" * 32])]


class Page(BaseModel):
    """A part of a list; `next_cursor` is null at its end."""

    items: list[Any]
    next_cursor: str | None = Field(examples=["WyJpZCIsIjE1MDAiXQ"])

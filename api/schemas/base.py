"""The parts that all answers are made of."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from indexer.base.times import utc_time
from indexer.domain.levels import LevelId
from indexer.selectors.addresses import checksummed


class Schema(BaseModel):
    """An answer, or a part of one, read from the attributes of a row or of a selector's result.

    A field is the attribute of its own name, or that of its `validation_alias`.
    """

    model_config = ConfigDict(from_attributes=True, validate_by_name=True)

    @classmethod
    def of(cls, row: Any) -> Self:
        """The answer about a row."""
        return cls.model_validate(row)


Wei = Annotated[str, BeforeValidator(str), Field(pattern=r"^-?\d+$", examples=["1500000000000000000"])]
"""An amount in wei as decimal digits: more than a JSON number holds."""


Address = Annotated[
    str,
    BeforeValidator(checksummed),
    Field(pattern="^0x[0-9a-fA-F]{40}$", examples=["0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d"]),
]
"""An account, EIP-55 checksummed."""

TxHash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", examples=["0x" + "ab" * 32])]

Moment = Annotated[
    datetime | None,
    BeforeValidator(lambda value: utc_time(value) if isinstance(value, int) else value),
    Field(examples=["2026-01-01T00:00:00Z"]),
]
"""Chain time, RFC 3339 in UTC, of unix seconds or a datetime; null for what no calendar holds."""


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


EventId = Annotated[str, BeforeValidator(_digits)]
"""An event's id (`indexer.domain.units.event_id`) as decimal digits."""


class LevelName(BaseModel):
    """A risk level."""

    id: int = Field(examples=[4])
    name: str = Field(examples=["DARKNET"])

    @classmethod
    def of(cls, level: int) -> "LevelName":
        """The level of a number."""
        return cls(id=level, name=LevelId(level).name)


Level = Annotated[LevelName, BeforeValidator(lambda value: LevelName.of(value) if isinstance(value, int) else value)]
"""A level by its number."""


class Page(Schema):
    """A part of a list; `next_cursor` is null at its end."""

    items: list[Any]
    next_cursor: str | None = Field(examples=["WyJpZCIsIjE1MDAiXQ"])

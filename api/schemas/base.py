"""The parts that all answers are made of."""

from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, computed_field

from indexer.base.times import utc_time
from indexer.domain.levels import LevelId, LevelName
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


Wei = Annotated[
    str,
    Field(pattern=r"^-?\d+$", description="An amount in wei.", examples=["1500000000000000000"]),
    BeforeValidator(str),
]
"""An amount in wei as decimal digits: more than a JSON number holds."""

Digits = Annotated[str, Field(pattern=r"^\d+$", examples=["4711"]), BeforeValidator(str)]
"""An integer of up to 256 bits as decimal digits."""

Address = Annotated[
    str,
    Field(
        pattern="^0x[0-9a-fA-F]{40}$",
        description="An account, EIP-55 checksummed.",
        examples=["0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d"],
    ),
    BeforeValidator(checksummed),
]
"""An account, EIP-55 checksummed."""

TxHash = Annotated[
    str, Field(pattern="^0x[0-9a-f]{64}$", description="The transaction's hash.", examples=["0x" + "ab" * 32])
]

Block = Annotated[int, Field(description="The block's number.", examples=[512])]

Moment = Annotated[
    datetime | None,
    BeforeValidator(lambda value: utc_time(value) if isinstance(value, int) else value),
    Field(description="A chain time in UTC; null for what no calendar holds.", examples=["2026-01-01T00:00:00Z"]),
]
"""Chain time, RFC 3339 in UTC, of unix seconds or a datetime; null for what no calendar holds."""

EventId = Annotated[
    str,
    Field(pattern=r"^\d+$", description="The event's place in the chain, a cursor of `/ws`.", examples=["4294967296"]),
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
]
"""An event's id (`indexer.domain.units.event_id`) as decimal digits."""

LevelNumber = Annotated[int, Field(ge=1, le=5, description="The level, from 1, the safest.", examples=[4])]


def name_of(level: int | None) -> LevelName | None:
    """A level's name; None for none."""
    return None if level is None else cast("LevelName", LevelId(level).name)


class OnLevel(Schema):
    """What belongs to a level."""

    level: LevelNumber

    @computed_field(description="The level's name.", examples=["DARKNET"])  # type: ignore[prop-decorator]
    @property
    def level_name(self) -> LevelName:
        return cast("LevelName", LevelId(self.level).name)


Row = TypeVar("Row")


class Page(Schema, Generic[Row]):
    """A part of a list."""

    items: list[Row] = Field(description="The rows.")
    next_cursor: str | None = Field(
        description="The `cursor` of the next page; null at the list's end.", examples=["WyJpZCIsIjE1MDAiXQ"]
    )

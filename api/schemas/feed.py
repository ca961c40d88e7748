"""The newest events, as `/ws` sends them."""

from typing import Any, Literal

from pydantic import Field

from api.schemas.base import Block, EventId, Page, Schema, TxHash
from indexer.stream.feed import Channel


class FeedEvent(Schema):
    """What happened."""

    type: str = Field(description="The event's type.", examples=["JACK_IN"])
    data: dict[str, Any] = Field(
        description="What is known of it, by its type.",
        examples=[{"user": "0x9EF6C02Fb2ECC446146E05F1fF687a788a8BF76d", "level": 4, "level_name": "DARKNET"}],
    )
    timestamp: int = Field(description="The block's time, in milliseconds since 1970.", examples=[1767225600000])
    block: Block
    tx: TxHash


class FeedFrame(Schema):
    """A frame of `/ws`."""

    type: Literal["FEED_EVENT"] = Field(description="The frame's type.", examples=["FEED_EVENT"])
    id: EventId
    key: str = Field(description="The name that the event has before its block, too.", examples=["0xab:0"])
    channel: Channel = Field(description="The channel that carries it, beside `feed`.", examples=["positions"])
    event: FeedEvent = Field(description="The event.")
    status: Literal["confirmed", "preconfirmed"] = Field(
        description="Whether it is in a block.", examples=["confirmed"]
    )


class Feed(Page[FeedFrame]):
    """Some frames; `next_cursor` is the next page's `before`."""

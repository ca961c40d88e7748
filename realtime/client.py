"""A connected client: its subscriptions, its feed cursor, and the frames held during a replay."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from indexer.stream.feed import FEED_CHANNEL, WATCHERS, FeedItem
from realtime.socket_writer import TOO_SLOW, SocketWriter

MAX_SUBSCRIPTIONS: Final = 64
MAX_HELD_FRAMES: Final = 20_000
"""Frames that may be held until the end of a replay."""


@dataclass(eq=False, slots=True)
class Client:
    """A connection with its subscriptions.

    `cursor` is the id up to which the client has all items of its channels. While a client is not in sync with the hub
    (during a replay, or after one from a newer snapshot than the hub's), each frame is checked against the cursor.
    """

    writer: SocketWriter
    address: str
    """The client's address, as the limits identify it."""
    cursor: int = 0
    channels: dict[str, int] = field(default_factory=dict)
    """Its channels, each with the id above which the client has all items of the channel, up to `cursor`."""
    users: dict[str, int] = field(default_factory=dict)
    """The players that it is subscribed to, each with such an id."""
    preconfirmed_channels: set[str] = field(default_factory=set)
    """Those of its channels whose preconfirmed items it subscribed to as well."""
    preconfirmed_users: set[str] = field(default_factory=set)
    """Those of the players whose preconfirmed items it subscribed to as well."""
    in_sync: bool = True
    revision: int = 0
    """The database's revision that the last replay has brought the client to."""
    held: deque[Callable[[], None]] | None = None
    """What sends the hub's frames that wait for the end of the current replay; None while there is none."""

    def is_subscribed_to(self, item: FeedItem) -> bool:
        """Whether one of its channels carries this item, or the item is of a player whom the client watches."""
        return bool(starts_of(item, self.channels, self.users))

    def lacks(self, item: FeedItem) -> bool:
        """Whether one of its subscriptions begins below this item."""
        return any(start < item.id for start in starts_of(item, self.channels, self.users))

    def wants_preconfirmed(self, item: FeedItem) -> bool:
        """Whether the client gets a preconfirmed item: it subscribed to them on the item's channel, and it is in sync
        with the hub or, after a replay, its cursor is below the item."""
        is_new = self.in_sync or (self.held is None and item.id > self.cursor)
        if item.channel == WATCHERS:
            return is_new and item.key in self.preconfirmed_users & self.users.keys()
        return is_new and item.is_carried_by(self.preconfirmed_channels & self.channels.keys())

    def send_item(self, item: FeedItem, frame: bytes) -> None:
        """Send an item's frame, unless the client has the item already; hold it back during a replay."""
        if self.in_sync:
            self.writer.write(frame)
        elif self.held is not None:
            self._hold(partial(self._send_held_item, item, frame))
        elif item.id > self.cursor:
            self.cursor = item.id
            self.writer.write(frame)

    def send_reorg(self, dropped_from: int, frame: bytes) -> None:
        """Send the frame of a reorg that dropped all ids from `dropped_from` on, unless the client has none of them."""
        if self.held is not None:
            self._hold(partial(self.send_reorg, dropped_from, frame))
        elif self.in_sync or dropped_from <= self.cursor:
            self.cursor = dropped_from - 1
            self.begin_below(dropped_from)
            self.writer.write(frame)

    def begin_below(self, dropped_from: int) -> None:
        """Note that all subscriptions get the items from an id on, whether or not they began later: a reorg dropped
        those that they got instead."""
        for starts in (self.channels, self.users):
            for name, start in starts.items():
                starts[name] = min(start, dropped_from - 1)

    def _hold(self, send: Callable[[], None]) -> None:
        assert self.held is not None
        self.held.append(send)
        if len(self.held) > MAX_HELD_FRAMES:
            self.writer.close(TOO_SLOW)

    def _send_held_item(self, item: FeedItem, frame: bytes) -> None:
        """Send an item's frame, unless the client has unsubscribed from it meanwhile."""
        if self.is_subscribed_to(item):
            self.send_item(item, frame)

    def end_replay(self) -> None:
        """Send what was held back during the replay, as far as the client does not have it."""
        held, self.held = self.held or (), None
        for send in held:
            send()

    def sync(self, revision: int) -> None:
        """Note that the hub has sent everything up to a revision; from the client's own one on, both are in sync."""
        if self.held is None and revision >= self.revision:
            self.in_sync = True


def starts_of(item: FeedItem, channels: Mapping[str, int], users: Mapping[str, int]) -> list[int]:
    """Where those of some subscriptions begin that carry an item: the id above which each has all of its items."""
    if item.channel == WATCHERS:
        return [users[item.key]] if item.key in users else []
    carriers = (item.channel, FEED_CHANNEL) if item.in_feed else (item.channel,)
    return [channels[channel] for channel in carriers if channel in channels]

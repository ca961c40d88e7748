"""A connected client: its subscriptions, its feed cursor, and the frames held during a replay."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from indexer.stream.feed import WATCHERS, FeedItem
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
    channels: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    preconfirmed_channels: set[str] = field(default_factory=set)
    """Those of its channels whose preconfirmed items it subscribed to as well."""
    preconfirmed_users: set[str] = field(default_factory=set)
    """Those of the players whose preconfirmed items it subscribed to as well."""
    in_sync: bool = True
    revision: int = 0
    """The database's revision that the last replay has brought the client to."""
    held: deque["HeldFrame"] | None = None
    """Frames from the hub that wait for the end of the current replay; None while there is none."""

    def is_subscribed_to(self, item: FeedItem) -> bool:
        """Whether one of its channels carries this item, or the item is of a player whom the client watches."""
        return item.is_carried_by(self.channels) or (item.channel == WATCHERS and item.key in self.users)

    def wants_preconfirmed(self, item: FeedItem) -> bool:
        """Whether the client gets a preconfirmed item: it subscribed to them on the item's channel, and it is in sync
        with the hub or, after a replay, its cursor is below the item."""
        is_new = self.in_sync or (self.held is None and item.id > self.cursor)
        if item.channel == WATCHERS:
            return is_new and item.key in self.preconfirmed_users & self.users
        return is_new and item.is_carried_by(self.preconfirmed_channels & self.channels)

    def send_item(self, item: FeedItem, frame: bytes) -> None:
        """Send an item's frame, unless the client has the item already; hold it back during a replay."""
        if self.in_sync:
            self.writer.write(frame)
        elif self.held is not None:
            self._hold(HeldFrame(item, frame, None))
        elif item.id > self.cursor:
            self.cursor = item.id
            self.writer.write(frame)

    def send_reorg(self, dropped_from: int, frame: bytes) -> None:
        """Send the frame of a reorg that dropped all ids from `dropped_from` on, unless the client has none of them."""
        if self.in_sync:
            self.writer.write(frame)
        elif self.held is not None:
            self._hold(HeldFrame(None, frame, dropped_from))
        elif dropped_from <= self.cursor:
            self.cursor = dropped_from - 1
            self.writer.write(frame)

    def _hold(self, held: "HeldFrame") -> None:
        assert self.held is not None
        self.held.append(held)
        if len(self.held) > MAX_HELD_FRAMES:
            self.writer.close(TOO_SLOW)

    def end_replay(self) -> None:
        """Send what was held back during the replay, as far as the client does not have it."""
        frames, self.held = self.held or (), None
        for one in frames:
            if one.item is not None:
                if self.is_subscribed_to(one.item):
                    self.send_item(one.item, one.frame)
            elif one.dropped_from is not None:
                self.send_reorg(one.dropped_from, one.frame)

    def sync(self, revision: int) -> None:
        """Note that the hub has sent everything up to a revision; from the client's own one on, both are in sync."""
        if self.held is None and revision >= self.revision:
            self.in_sync = True


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """A frame held until the end of a replay: an item's, or that of a reorg, which dropped ids from `dropped_from`."""

    item: FeedItem | None
    frame: bytes
    dropped_from: int | None

"""A client after a replay from a newer state than the hub's."""

from typing import Any, cast

from indexer.stream.feed import FeedEvent, FeedItem
from realtime.client import Client


class RecordedWriter:
    """Keeps the frames that would be sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)


def item(item_id: int) -> FeedItem:
    return FeedItem(item_id, "scans", True, "1", FeedEvent("SCAN_EXECUTED", {}, 0, 0, "0x"))


def test_known_items_are_not_sent_again_and_a_reorg_of_them_is_sent() -> None:
    writer = RecordedWriter()
    client = Client(cast("Any", writer), "192.0.2.1", cursor=100, channels={"scans"}, in_sync=False, revision=7)
    client.send_item(item(90), b"known")
    client.send_reorg(101, b"reorg of nothing that it knows")
    client.sync(6)
    client.send_reorg(95, b"reorg")
    client.send_item(item(96), b"replaced")
    client.sync(7)
    client.send_item(item(97), b"live")
    assert writer.frames == [b"reorg", b"replaced", b"live"]

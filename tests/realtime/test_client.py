"""A client whose replay came from a newer state than the hub's."""

from typing import Any, cast

from indexer.stream.feed import FeedItem
from realtime.client import Client


class Written:
    """What would have been sent."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)


def item(place: int) -> FeedItem:
    return FeedItem(place, "scans", "SCAN_EXECUTED", True, "1", {})


def test_what_it_knows_is_not_told_again_and_a_reorg_of_it_is_told() -> None:
    wire = Written()
    client = Client(cast("Any", wire), cursor=100, channels={"scans"}, settled=False, revision=7)
    client.tell(item(90), b"known")
    client.tell_reorg(101, b"reorg of nothing that it knows")
    client.settle(6)
    client.tell_reorg(95, b"reorg")
    client.tell(item(96), b"replaced")
    client.settle(7)
    client.tell(item(97), b"live")
    assert wire.frames == [b"reorg", b"replaced", b"live"]

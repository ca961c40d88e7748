"""The feed: what the chain told and the rules found out, as the messages that browsers get.

A pure function of the stored rows: the same chain gives the same messages, whoever reads them and when.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from indexer.domain.units import DATA, LOG_INDEX_BITS, block_of, first_id, to_hex
from indexer.selectors.addresses import checksummed, shown

CHANNELS: Final = ("positions", "scans", "deaths", "markets", "tokens", "fees", "system", "feed")
EVERYTHING: Final = "feed"
"""The channel that carries all but what is told thousands of times a day and concerns nobody else."""
LARGE_TRANSFER: Final = 1_000 * DATA

_DERIVED: Final = 1 << (LOG_INDEX_BITS - 1)
_CLAIM: Final = _DERIVED | 1 << (LOG_INDEX_BITS - 2)


class Kind(NamedTuple):
    """What an event becomes: its channel and type."""

    channel: str
    type: str


KINDS: Final = {
    "JackedIn": Kind("positions", "JACK_IN"),
    "StakeAdded": Kind("positions", "STAKE_ADDED"),
    "Extracted": Kind("positions", "EXTRACTED"),
    "PositionCulled": Kind("positions", "POSITION_CULLED"),
    "BoostApplied": Kind("positions", "BOOST_APPLIED"),
    "ScanExecuted": Kind("scans", "SCAN_EXECUTED"),
    "ScanFinalized": Kind("scans", "SCAN_FINALIZED"),
    "CascadeDistributed": Kind("scans", "CASCADE"),
    "DeathsProcessed": Kind("deaths", "DEATHS_PROCESSED"),
    "SystemResetTriggered": Kind("system", "SYSTEM_RESET"),
    "EmissionsAdded": Kind("system", "EMISSIONS"),
    "RoundCreated": Kind("markets", "ROUND_CREATED"),
    "BetPlaced": Kind("markets", "BET_PLACED"),
    "RoundResolved": Kind("markets", "ROUND_RESOLVED"),
    "WinningsClaimed": Kind("markets", "WINNINGS_CLAIMED"),
    "Transfer": Kind("tokens", "TRANSFER"),
    "TaxBurned": Kind("tokens", "TAX"),
    "TaxCollected": Kind("tokens", "TAX"),
    "TollCollected": Kind("fees", "TOLL"),
    "BuybackExecuted": Kind("fees", "BUYBACK"),
}
"""Of the contracts' events those that are told, by name."""

_KEYS: Final = {
    "positions": ("user", "victim"),
    "scans": ("level", "source_level"),
    "deaths": ("level",),
    "markets": ("round_id",),
    "tokens": ("from",),
}
"""By channel the arguments one of which says what an event is about: what is about the same stays in order."""
_SMALL: Final = {"level", "source_level", "target_level", "boost_type", "value_bps", "round_type"}
"""Arguments that any JSON number holds; all others go out as decimal strings."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A message of the feed; `id` is its place in the chain, `key` the player, level or round that it is about."""

    id: int
    channel: str
    type: str
    in_feed: bool
    key: str
    body: dict[str, Any]

    @property
    def block_number(self) -> int:
        return block_of(self.id)

    def frame(self, confirmed: bool) -> bytes:
        """The message as it is sent."""
        return msgspec.json.encode(
            {
                "type": "FEED_EVENT",
                "id": str(self.id),
                "channel": self.channel,
                "event": self.body,
                "status": "confirmed" if confirmed else "preconfirmed",
            }
        )


def event_item(row: tuple[int, datetime, bytes, str, Any]) -> FeedItem:
    """The item of a stored event: `(id, block_time, tx_hash, name, args)`, whose name is one of KINDS."""
    place, time, tx_hash, name, args = row
    channel, kind = KINDS[name]
    data = {key: _value(key, value) for key, value in args.items()}
    if name == "Transfer" and int(args["value"]) >= LARGE_TRANSFER:
        kind = "LARGE_TRANSFER"
    if kind == "TAX":
        data["part"] = "burned" if name == "TaxBurned" else "collected"
    in_feed = kind not in ("TRANSFER", "TAX")
    key = next((str(data[name]) for name in _KEYS.get(channel, ()) if name in data), "")
    return FeedItem(place, channel, kind, in_feed, key, _body(kind, data, time, place, tx_hash))


def death_item(row: tuple[int, datetime, bytes, Any, int, bytes, Any, int]) -> FeedItem:
    """The item of a stored death: `(id, block_time, tx_hash, scan_id, level, address, amount, streak)`.

    No log names the dead one by one. Their items come after those of the block's logs.
    """
    place, time, tx_hash, scan_id, level, address, amount, streak = row
    player = checksummed(bytes(address))
    data = {"user": player, "level": level, "scan_id": str(scan_id), "amount": str(amount), "ghost_streak": streak}
    return FeedItem(place | _DERIVED, "deaths", "TRACED", True, str(level), _body("TRACED", data, time, place, tx_hash))


def claim_item(row: tuple[int, datetime, bytes, bytes, int, Any]) -> FeedItem:
    """The item of a stored claim of rewards: `(id, block_time, tx_hash, address, level, rewards)`.

    The contract emits no event for it (rule 9).
    """
    place, time, tx_hash, address, level, rewards = row
    player = checksummed(bytes(address))
    data = {"user": player, "level": level, "amount": str(rewards)}
    body = _body("REWARDS_CLAIMED", data, time, place, tx_hash)
    return FeedItem(place | _CLAIM, "positions", "REWARDS_CLAIMED", True, player, body)


def end_of(block_number: int) -> int:
    """The last id that an item of this block can have."""
    return first_id(block_number + 1) - 1


def _body(kind: str, data: dict[str, Any], time: datetime, place: int, tx_hash: bytes) -> dict[str, Any]:
    return {
        "type": kind,
        "data": data,
        "timestamp": int(time.timestamp() * 1000),
        "block": block_of(place),
        "tx": to_hex(tx_hash),
    }


def _value(name: str, value: Any) -> Any:
    return int(value) if name in _SMALL and isinstance(value, str) and len(value) < 16 else shown(value)

"""The feed's items: what clients get for each event, and for what happened without one.

A pure function of the stored rows: the same chain gives the same items, on any process and at any time.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, Final, Literal, NamedTuple, get_args

import msgspec
from msgspec import UNSET, UnsetType

from indexer.domain.units import DATA, Address, block_of, log_index_of, to_hex
from indexer.selectors.addresses import checksummed
from indexer.selectors.arguments import level_words, rfc3339, shown_arguments
from indexer.selectors.feed import ClaimRow, DeathRow, EventRow, FeedRow, ResetRow, ScanEndRow
from indexer.stream import event_data
from indexer.stream.ids import claim_id, death_id, survivor_id

Channel = Literal["positions", "scans", "deaths", "markets", "tokens", "fees", "system", "feed"]
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
FEED_CHANNEL: Final = "feed"
"""The channel of all items except those of a type in SMALL. The Iggy topic `feed` contains those too."""
WATCHERS: Final = "user"
"""The channel of items that are sent only to clients that watch the player."""
LARGE_TRANSFER: Final = 1_000 * DATA
"""Wei from which on a transfer is a LARGE_TRANSFER."""

Definition = type[event_data.EventData]
"""A class that defines the data of a type of item."""


class Kind(NamedTuple):
    """The channel and the type of an event's item, and the class that defines its data."""

    channel: Channel
    type: str
    data: Definition


KINDS: Final = {
    "JackedIn": Kind("positions", "JACK_IN", event_data.JackIn),
    "StakeAdded": Kind("positions", "STAKE_ADDED", event_data.StakeAdded),
    "Extracted": Kind("positions", "EXTRACTED", event_data.Extracted),
    "PositionCulled": Kind("positions", "POSITION_CULLED", event_data.PositionCulled),
    "BoostApplied": Kind("positions", "BOOST_APPLIED", event_data.BoostApplied),
    "ScanExecuted": Kind("scans", "SCAN_EXECUTED", event_data.ScanExecuted),
    "CascadeDistributed": Kind("scans", "CASCADE", event_data.Cascade),
    "DeathsProcessed": Kind("deaths", "DEATHS_PROCESSED", event_data.DeathsProcessed),
    "EmissionsAdded": Kind("system", "EMISSIONS", event_data.Emissions),
    "RoundCreated": Kind("markets", "ROUND_CREATED", event_data.RoundCreated),
    "BetPlaced": Kind("markets", "BET_PLACED", event_data.BetPlaced),
    "RoundResolved": Kind("markets", "ROUND_RESOLVED", event_data.RoundResolved),
    "WinningsClaimed": Kind("markets", "WINNINGS_CLAIMED", event_data.WinningsClaimed),
    "Transfer": Kind("tokens", "TRANSFER", event_data.TokenTransfer),
    "TaxBurned": Kind("tokens", "TAX", event_data.Tax),
    "TaxCollected": Kind("tokens", "TAX", event_data.Tax),
    "TollCollected": Kind("fees", "TOLL", event_data.Toll),
    "BuybackExecuted": Kind("fees", "BUYBACK", event_data.Buyback),
}
"""The contracts' events whose items are made of their logs alone, by name, which is one contract's event."""
CHANNEL_OF: Final[dict[type[FeedRow], Channel]] = {
    DeathRow: "deaths",
    ClaimRow: "positions",
    ResetRow: "system",
    ScanEndRow: "scans",
}
"""The channel of the items that are made of other rows."""
DATA_OF: Final[dict[str, Definition]] = {kind.type: kind.data for kind in KINDS.values()} | {
    "LARGE_TRANSFER": event_data.TokenTransfer,
    "TRACED": event_data.Traced,
    "REWARDS_CLAIMED": event_data.RewardsClaimed,
    "SYSTEM_RESET": event_data.SystemReset,
    "SCAN_FINALIZED": event_data.ScanFinalized,
    "SURVIVED": event_data.Survived,
}
"""The definition of the data of each type of item."""
SMALL: Final = ("TRANSFER", "TAX")
"""Types of items that the channel `feed` does not carry: there are thousands a day."""

_KEYS: Final = {
    "positions": ("user", "victim"),
    "scans": ("level", "source_level"),
    "deaths": ("level",),
    "markets": ("round_id",),
    "tokens": ("from",),
}
"""By channel the arguments one of which is an item's key: items with the same key stay in order in a topic."""


class FeedEvent(msgspec.Struct, frozen=True):
    """The event inside an item as clients get it: `data` are its arguments as `indexer.selectors.arguments` shows them,
    `timestamp` is the block's time in milliseconds since 1970."""

    type: str
    data: dict[str, Any]
    timestamp: int
    block: int
    tx: str


class FeedEventMessage(msgspec.Struct, frozen=True, tag_field="type", tag="FEED_EVENT"):
    """The FEED_EVENT message of `/ws`: `confirmed` in a block, with an id, or `preconfirmed` before it.

    `key` is the same in both: the transaction's hash and the item's ordinal among the items of the transaction.
    """

    id: str | UnsetType
    key: str
    channel: str
    event: FeedEvent
    status: Literal["confirmed", "preconfirmed"]


class FeedItem(msgspec.Struct, frozen=True):
    """An item of the feed.

    `id` orders items as the chain has them (`indexer.stream.ids`); `key` is the player, level or round that the item
    is about; `in_feed` says whether the channel `feed` carries it beside `channel`. `ordinal` is its place among the
    items of its transaction, which `numbered` sets.
    """

    id: int
    channel: str
    in_feed: bool
    key: str
    event: FeedEvent
    ordinal: int = 0

    @property
    def type(self) -> str:
        return self.event.type

    @property
    def block_number(self) -> int:
        return block_of(self.id)

    @property
    def event_key(self) -> str:
        """The `key` of the item's messages, the same in the preconfirmed and in the confirmed one."""
        return f"{self.event.tx}:{self.ordinal}"

    def is_carried_by(self, channels: Collection[str]) -> bool:
        """Whether one of these channels carries the item."""
        return self.channel in channels or (self.in_feed and FEED_CHANNEL in channels)

    def message(self) -> bytes:
        """The item's FEED_EVENT message as JSON, with the id that it has in its block."""
        return msgspec.json.encode(
            FeedEventMessage(str(self.id), self.event_key, self.channel, self.event, "confirmed")
        )

    def preconfirmed_message(self) -> bytes:
        """The item's FEED_EVENT message as JSON before its block: without an id, which is not known yet."""
        return msgspec.json.encode(FeedEventMessage(UNSET, self.event_key, self.channel, self.event, "preconfirmed"))


def numbered(items: Iterable[FeedItem]) -> list[FeedItem]:
    """The items in the chain's order, each with its ordinal; they must be all items of their transactions."""
    found, seen = sorted(items, key=lambda item: item.id), Counter[str]()
    for item in found:
        msgspec.structs.force_setattr(item, "ordinal", seen[item.event.tx])
        seen[item.event.tx] += 1
    return found


def feed_item(row: FeedRow) -> FeedItem:
    """The item of a stored row."""
    match row:
        case EventRow():
            return event_item(row)
        case DeathRow():
            return death_item(row)
        case ClaimRow():
            return claim_item(row)
        case ResetRow():
            return reset_item(row)
        case ScanEndRow():
            return scan_end_item(row)


def event_item(row: EventRow) -> FeedItem:
    """The item of a stored event whose name is one of KINDS."""
    channel, kind, _ = KINDS[row.name]
    data = shown_arguments(row.args)
    if row.name == "Transfer" and int(row.args["value"]) >= LARGE_TRANSFER:
        kind = "LARGE_TRANSFER"
    if kind == "TAX":
        data["part"] = "burned" if row.name == "TaxBurned" else "collected"
    key = next((str(data[name]) for name in _KEYS.get(channel, ()) if name in data), "")
    return FeedItem(row.id, channel, kind not in SMALL, key, _event(kind, data, row))


def death_item(row: DeathRow) -> FeedItem:
    """The item of a stored death. No log names the players who died (rule 13)."""
    data = {
        "user": checksummed(bytes(row.address)),
        **level_words(row.level),
        "scan_id": int(row.scan_id),
        "amount": str(row.amount),
        "ghost_streak": row.streak,
    }
    return FeedItem(death_id(row.id), CHANNEL_OF[DeathRow], True, str(row.level), _event("TRACED", data, row))


def claim_item(row: ClaimRow) -> FeedItem:
    """The item of a stored claim of rewards, for which the contract emits no event (rule 9)."""
    player = checksummed(bytes(row.address))
    data = {"user": player, **level_words(row.level), "amount": str(row.rewards)}
    return FeedItem(claim_id(row.id), CHANNEL_OF[ClaimRow], True, player, _event("REWARDS_CLAIMED", data, row))


def reset_item(row: ResetRow) -> FeedItem:
    """The item of a system reset, with the winner: the event itself has the zero address there (rule 10)."""
    data = {
        "epoch": int(row.epoch),
        "total_penalty": str(row.total_penalty),
        "jackpot_amount": str(row.jackpot_amount),
        "jackpot_winner": None if row.winner is None else checksummed(bytes(row.winner)),
        "paid_amount": str(row.paid_amount),
        "burned": str(row.burned),
    }
    return FeedItem(row.id, CHANNEL_OF[ResetRow], True, "", _event("SYSTEM_RESET", data, row))


def scan_end_item(row: ScanEndRow) -> FeedItem:
    """The item of a finalized scan: with the number of survivors, which another event has."""
    data = {
        **level_words(row.level),
        "scan_id": int(row.scan_id),
        "death_count": row.death_count,
        "total_dead": str(row.total_dead),
        "survivor_count": row.survivor_count,
        "finalized_at": rfc3339(int(row.finalized_at)),
    }
    return FeedItem(row.event_id, CHANNEL_OF[ScanEndRow], True, str(row.level), _event("SCAN_FINALIZED", data, row))


def survivor_item(scan: FeedItem, player: Address, streak: int) -> FeedItem:
    """The item of a survivor of a scan: only for clients that watch the player."""
    level = scan.event.data["level"]
    data = {
        "user": checksummed(player),
        **level_words(level),
        "scan_id": scan.event.data["scan_id"],
        "ghost_streak": streak,
    }
    event = FeedEvent("SURVIVED", data, scan.event.timestamp, scan.event.block, scan.event.tx)
    place = survivor_id(scan.block_number, scan.event.data["scan_id"], player)
    return FeedItem(place, WATCHERS, False, player, event, log_index_of(place))


def _event(kind: str, data: dict[str, Any], row: FeedRow) -> FeedEvent:
    return FeedEvent(kind, data, int(row.block_time.timestamp() * 1000), block_of(row.id), to_hex(row.tx_hash))

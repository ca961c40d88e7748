"""Sentences for the feed's events: filled in here for the page as served, by the browser (`words.js`) from then on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from indexer.domain.levels import LevelId
from indexer.domain.units import DATA
from indexer.stream.feed import FeedItem

SENTENCES: Final = {
    "JACK_IN": "{user:player} jacked into {level:level} with {amount:data}",
    "STAKE_ADDED": "{user:player} added {amount:data}, {new_total:data} in all",
    "EXTRACTED": "{user:player} extracted {amount:data} and {rewards:data} of rewards",
    "POSITION_CULLED": "{victim:player} was culled by {new_entrant:player}, lost {penalty_amount:data}",
    "REWARDS_CLAIMED": "{user:player} claimed {amount:data} of rewards",
    "BOOST_APPLIED": "{user:player} got a boost of {value_bps:bps}",
    "TRACED": "{user:player} died on {level:level} with {amount:data}, streak {ghost_streak:text}",
    "SCAN_EXECUTED": "scan {scan_id:scan} of {level:level} began",
    "DEATHS_PROCESSED": "{death_count:text} died on {level:level}, {total_dead:data} lost",
    "SCAN_FINALIZED": "scan {scan_id:scan} of {level:level} ended: {death_count:text} dead, {total_dead:data} lost",
    "CASCADE": "the dead of {source_level:level} paid {same_level_amount:data} to its survivors",
    "SYSTEM_RESET": "SYSTEM RESET: {total_penalty:data} taken, {paid_amount:data} to {jackpot_winner:winner}",
    "EMISSIONS": "{amount:data} emitted to {level:level}",
    "ROUND_CREATED": "round {round_id:text} opened on {target_level:level}",
    "BET_PLACED": "{user:player} bet {amount:data} in round {round_id:text}",
    "ROUND_RESOLVED": "round {round_id:text} resolved, {total_pot:data} in the pot",
    "WINNINGS_CLAIMED": "{user:player} won {amount:data} in round {round_id:text}",
    "LARGE_TRANSFER": "{from:player} sent {value:data} to {to:player}",
    "TOLL": "a toll of {amount:eth} was collected",
    "BUYBACK": "{data_burned:data} bought back and burned for {eth_spent:eth}",
}
"""The sentences by type of event; `{argument:shape}` is an argument, shown by one of _SHAPES."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+):(\w+)\}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence: its text, the exact value as title, the target of its link."""

    text: str
    title: str = ""
    href: str = ""


def sentence(item: FeedItem) -> list[Part]:
    """The sentence of an item, in pieces."""
    kind, data = item.event.type, item.event.data
    pieces = _PLACEHOLDER.split(SENTENCES[kind])
    parts = [Part(pieces[0])]
    for argument, shape, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        parts += [_SHAPES[shape](data[argument], data), Part(text)]
    return [part for part in parts if part.text]


def in_tokens(wei: Any, decimals: int = 2) -> str:
    """Wei as tokens with so many decimals, cut off: `1,234.56`."""
    whole, rest = divmod(abs(int(wei)), DATA)
    return f"{'-' if int(wei) < 0 else ''}{whole:,}.{rest * 10**decimals // DATA:0{decimals}d}"


def short(text: str) -> str:
    """An address or a hash, shortened: `0x9EF6…F76d`."""
    return f"{text[:6]}…{text[-4:]}" if len(text) > 12 else text


def level_name(level: Any) -> str:
    """A level's name with blanks: `BLACK ICE`."""
    return LevelId(int(level)).name.replace("_", " ")


_SHAPES: Final[dict[str, Callable[[Any, dict[str, Any]], Part]]] = {
    "player": lambda value, _: Part(short(value), value, f"/player/{value}"),
    "winner": lambda value, _: Part(short(value), value, f"/player/{value}") if value else Part("nobody"),
    "data": lambda value, _: Part(f"{in_tokens(value)} DATA", f"{value} wei"),
    "eth": lambda value, _: Part(f"{in_tokens(value, 6)} ETH", f"{value} wei"),
    "bps": lambda value, _: Part(f"{int(value) / 100:g} %"),
    "level": lambda value, _: Part(level_name(value) if value else "the whole network"),
    "scan": lambda value, data: Part(f"#{value}", href=f"/scan/{data['level']}/{value}"),
    "text": lambda value, _: Part(str(value)),
}

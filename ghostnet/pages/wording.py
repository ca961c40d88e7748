"""Sentences for the feed's events, filled in by the server for the first page, and by `words.js` for later events."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ghostnet.pages.names import is_contract, name_of
from indexer.domain.betting import RoundType
from indexer.domain.levels import LevelId
from indexer.domain.positions import BoostType
from indexer.domain.units import DATA
from indexer.selectors.addresses import shown
from indexer.stream.feed import FeedItem

SENTENCES: Final = {
    "JACK_IN": "{user:player} jacked into {level:level} with {amount:data}",
    "STAKE_ADDED": "{user:player} added {amount:data}: {new_total:data} in all",
    "EXTRACTED": "{user:player} extracted {amount:data} and {rewards:rewards}",
    "POSITION_CULLED": "{victim:player} was culled by {new_entrant:player} and lost {penalty_amount:data}",
    "REWARDS_CLAIMED": "{user:player} claimed {amount:data} of rewards",
    "BOOST_APPLIED": "{user:player} got a boost: {value_bps:boost}",
    "TRACED": "{user:player} died on {level:level} with {amount:data}, after {ghost_streak:scans}",
    "SCAN_EXECUTED": "scan {scan_id:scan} of {level:level} began",
    "DEATHS_PROCESSED": "{death_count:dead} on {level:level}, {total_dead:data} lost",
    "SCAN_FINALIZED": "scan {scan_id:scan} of {level:level} ended: {death_count:dead}, {total_dead:data} lost",
    "CASCADE": "the dead of {source_level:level} paid {same_level_amount:data} to its survivors",
    "SYSTEM_RESET": "SYSTEM RESET: a quarter of every stake, {total_penalty:data}, is due; "
    "{paid_amount:data} paid to {jackpot_winner:winner}",
    "EMISSIONS": "{amount:data} of new rewards for {level:level}",
    "ROUND_CREATED": "market {round_id:round} opened: {line:question}",
    "BET_PLACED": "{user:player} bet {amount:data} on {side:text} in market {round_id:round}",
    "ROUND_RESOLVED": "market {round_id:round} is decided: {outcome:text}, {total_pot:data} in the pot",
    "WINNINGS_CLAIMED": "{user:player} took {amount:data} out of market {round_id:round}",
    "LARGE_TRANSFER": "{from:player} sent {value:data} to {to:player}",
    "TRANSFER": "{from:player} sent {value:data} to {to:player}",
    "TOLL": "a toll of {amount:eth} was collected",
    "BUYBACK": "{data_burned:data} bought back for {eth_spent:eth} and burned",
}
"""The sentences by type of event; `{argument:shape}` is an argument, shown by one of _SHAPES."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+):(\w+)\}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence: its text, the exact value as title, the target of its link."""

    text: str
    title: str = ""
    href: str = ""


def has_sentence(item: FeedItem) -> bool:
    """Whether the pages show a sentence for an item.

    They show none for transfers to and from the game's contracts: the event that caused one has a sentence of its own.
    """
    if item.type not in SENTENCES:
        return False
    data = item.event.data
    return "TRANSFER" not in item.type or not (is_contract(data["from"]) or is_contract(data["to"]))


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
    """A level's name with blanks: `BLACK ICE`; `the whole network` for none."""
    return in_words(LevelId(int(level)).name) if int(level) else "the whole network"


def in_words(name: str) -> str:
    """A name of an action or a type, with blanks: `rewards claimed`."""
    return name.replace("_", " ")


def percent(bps: Any) -> str:
    """Basis points as percent: `12.5 %`, which no line's end parts."""
    return f"{int(bps) / 100:g}\u00a0%"


def counted(count: Any, one: str, many: str) -> str:
    """A number with its noun: `1 scan`, `2 scans`."""
    return f"{int(count):,} {one if int(count) == 1 else many}"


def boost(boost_type: Any, value_bps: Any) -> str:
    """What a boost does: `death rate −5 %`."""
    if str(boost_type).upper() in (str(int(BoostType.DEATH_REDUCTION)), BoostType.DEATH_REDUCTION.name):
        return f"death rate −{percent(value_bps)}"
    return f"yield +{percent(value_bps)}"


def question(round_type: Any, target_level: Any, line: Any) -> str:
    """What a market is about: `deaths on DARKNET: over or under 3?`"""
    where = level_name(target_level or 0)
    subject, number = {
        RoundType.DEATH_COUNT: (f"deaths on {where}", f"{int(line):,}"),
        RoundType.WHALE_DEATH: (f"the largest stake to die on {where}", f"{in_tokens(line)} DATA"),
        RoundType.STREAK_RECORD: (f"the longest streak on {where}", counted(line, "scan", "scans")),
        RoundType.SYSTEM_RESET: ("system resets", f"{int(line):,}"),
    }[_round_type(round_type)]
    if int(line) > _MAX_SHOWN:
        number = "a number beyond reach"
    return f"{subject}: over or under {number}?"


_MAX_SHOWN: Final = 10**30
"""A line above this, a billion times all tokens, is out of reach, and not shown as a number."""


def _round_type(value: Any) -> RoundType:
    """A round's type from its number, or from its name in any casing."""
    text = str(value)
    return RoundType(int(text)) if text.isdecimal() else RoundType[text.upper()]


def _player(value: Any, _: Any = None) -> Part:
    address = shown(str(value))
    name = name_of(address)
    return Part(name, address) if name else Part(short(address), address, f"/player/{address}")


_SHAPES: Final[dict[str, Callable[[Any, dict[str, Any]], Part]]] = {
    "player": _player,
    "winner": lambda value, _: _player(value) if value else Part("nobody"),
    "data": lambda value, _: Part(f"{in_tokens(value)} DATA", f"{value} wei"),
    "rewards": lambda value, _: (
        Part(f"{in_tokens(value)} DATA of rewards", f"{value} wei") if int(value) else Part("no rewards")
    ),
    "eth": lambda value, _: Part(f"{in_tokens(value, 6)} ETH", f"{value} wei"),
    "level": lambda value, _: Part(level_name(value)),
    "scan": lambda value, data: Part(f"#{value}", href=f"/scan/{data['level']}/{value}"),
    "round": lambda value, _: Part(f"#{value}", href=f"/round/{value}"),
    "scans": lambda value, _: Part(counted(value, "scan survived", "scans survived")),
    "dead": lambda value, _: Part(counted(value, "player died", "players died")),
    "text": lambda value, _: Part(str(value)),
    "boost": lambda value, data: Part(boost(data["boost_type"], value)),
    "question": lambda value, data: Part(question(data["round_type"], data["target_level"], value)),
}

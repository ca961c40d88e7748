"""The game's words and what they mean."""

from typing import Final

TERMS: Final = {
    "DATA": "The game's token. Every amount on these pages is in DATA unless it says otherwise; hover over one to see "
    "it to the wei (a DATA has 10¹⁸).",
    "level": "The network has five levels, from the VAULT, the safest, to BLACK ICE, the deadliest. A player is on one "
    "of them, with a stake; the deadlier the level, the more a survivor earns.",
    "scan": "Each level is scanned by the clock. In a scan every player of the level dies with the level's death rate. "
    "What the dead had staked goes to the level's survivors, to safer levels, to the burn and to the protocol.",
    "streak": "How many scans in a row a player has survived on the level.",
    "culling": "A level has so many places. When it is full, whoever enters throws another player out: the one who is "
    "culled loses most of the stake, the rest is paid back.",
    "reset": "If nobody deposits until the deadline, the system resets: a quarter of every stake is due. Half of that "
    "goes to whoever deposited last, 30 % is burned, and 20 % goes to the treasury. Each deposit moves the deadline.",
    "burn": "DATA that nobody can ever use again: a part of taxes, deaths, cullings, resets, bets and buybacks.",
    "odds": "What a bet pays per DATA if its side wins, the stake included, once 5 % of the pot are burned. They move "
    "with every bet.",
    "boost": "Makes a player's death rate lower, or the yield higher, for a time.",
    "jacked in": "Entered a level with a stake.",
    "extracted": "Left the game, with the stake and all rewards.",
    "toll": "A fee in ETH that an action of the game costs. What is collected buys DATA back, which is burned, or pays "
    "for the game's operation.",
    "dimmed": "What the chain has announced, and no block contains yet. With its block it is shown brightly; what no "
    "block takes is struck out.",
    "reorg": "The chain replaced its last blocks by others. What had happened in them did not happen: the pages "
    "take it back, and show what came instead.",
}
"""By word its explanation, for pages to show on a tap or hover."""


def anchor(word: str) -> str:
    """The id of a word's explanation."""
    return f"about-{word.replace(' ', '-')}"

"""The admin's tables in groups, by what operators look for."""

from collections.abc import Iterable
from typing import Any, Final

GROUPS: Final = {
    "Health": ("Alarm", "Incident", "OperatorRequest", "Audit", "Reorg", "QuarantinedLog", "UndecodedLog"),
    "Game": (
        *("CurrentPosition", "CurrentLevel", "CurrentScan", "Death", "CurrentRound", "CurrentBet", "Boost", "Culling"),
        *("SystemReset", "AccountTotal", "GameTotal", "DailyRank", "CurrentProtocol"),
    ),
    "Archive": (
        *("ChainEvent", "ChainBlock", "ChainTransaction", "Position", "LevelState", "Scan", "Round", "Bet"),
        *("ProtocolState", "TokenTransfer", "Emission", "Toll", "Buyback", "VestingClaim"),
    ),
    "Internals": (),
}
"""The tables of each group, in their order; all others of the indexer belong to the last one."""
ACCOUNTS: Final = "Accounts"


def grouped(apps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of apps with the indexer's tables in GROUPS, and those of other apps as ACCOUNTS."""
    ours: dict[str, dict[str, Any]] = {}
    others: list[dict[str, Any]] = []
    url = ""
    for app in apps:
        if app["app_label"] == "indexer":
            ours, url = {one["object_name"]: one for one in app["models"]}, app["app_url"]
        else:
            others += app["models"]
    named = {name for names in GROUPS.values() for name in names}
    rest = [one for name, one in ours.items() if name not in named]
    found = [
        _group(title, url, [ours[name] for name in names if name in ours] if names else rest)
        for title, names in GROUPS.items()
    ]
    return [group for group in [*found, _group(ACCOUNTS, url, others)] if group["models"]]


def _group(title: str, url: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": title, "app_label": title.lower(), "app_url": url, "has_module_perms": True, "models": models}

"""The shape of every answer, with an example of each field."""

from api.schemas.chain import Events, Reorg, Status
from api.schemas.market import Bets, Odds, OddsHistory, Round, Rounds
from api.schemas.positions import AtRisk, PlayerPosition, Position, PositionHistory, Positions
from api.schemas.problems import Problem
from api.schemas.scans import Deaths, NextScan, Scan, Scans
from api.schemas.stats import (
    Burns,
    Earner,
    LevelDeaths,
    LevelStats,
    Loser,
    Stats,
    StreakLeader,
    Survivor,
    TvlPoint,
    VolumePoint,
)

__all__ = [
    "AtRisk",
    "Bets",
    "Burns",
    "Deaths",
    "Earner",
    "Events",
    "LevelDeaths",
    "LevelStats",
    "Loser",
    "NextScan",
    "Odds",
    "OddsHistory",
    "PlayerPosition",
    "Position",
    "PositionHistory",
    "Positions",
    "Problem",
    "Reorg",
    "Round",
    "Rounds",
    "Scan",
    "Scans",
    "Stats",
    "Status",
    "StreakLeader",
    "Survivor",
    "TvlPoint",
    "VolumePoint",
]

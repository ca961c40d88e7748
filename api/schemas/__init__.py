"""The shape of every answer, with a description and an example of each field."""

from api.schemas.chain import BlockEvents, Events, Reorg, Status, TransactionEvents
from api.schemas.feed import Feed
from api.schemas.leaderboards import EarnerBoard, LoserBoard, StakerBoard, StreakBoard, SurvivorBoard
from api.schemas.market import Bets, BetSummary, Odds, OddsHistory, Round, Rounds
from api.schemas.network import Network
from api.schemas.positions import AtRisk, PlayerPosition, Position, PositionHistory, Positions
from api.schemas.problems import Problem
from api.schemas.scans import Deaths, NextScan, Scan, Scans
from api.schemas.stats import (
    BetsPoint,
    Burns,
    BurnsPoint,
    FlowPoint,
    LevelDeaths,
    LevelStats,
    Stats,
    TvlPoint,
    VolumePoint,
)

__all__ = [
    "AtRisk",
    "BetSummary",
    "Bets",
    "BetsPoint",
    "BlockEvents",
    "Burns",
    "BurnsPoint",
    "Deaths",
    "EarnerBoard",
    "Events",
    "Feed",
    "FlowPoint",
    "LevelDeaths",
    "LevelStats",
    "LoserBoard",
    "Network",
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
    "StakerBoard",
    "Stats",
    "Status",
    "StreakBoard",
    "SurvivorBoard",
    "TransactionEvents",
    "TvlPoint",
    "VolumePoint",
]

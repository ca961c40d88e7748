"""The tables as Django models. History is append-only; `Current…` rows hold the newest version of each key."""

from indexer.models.archive import ChainBlock, ChainEvent, ChainTransaction, UndecodedLog, WitnessAnswer
from indexer.models.game import (
    Boost,
    Culling,
    CurrentLevel,
    CurrentLevelSlot,
    CurrentPosition,
    CurrentProtocol,
    CurrentScan,
    Death,
    Emission,
    LevelSlot,
    LevelState,
    Position,
    ProtocolState,
    Scan,
    SystemReset,
)
from indexer.models.market import Bet, CurrentBet, CurrentRound, Round
from indexer.models.operations import Alarm, Audit, Incident, OperatorRequest, QuarantinedLog
from indexer.models.progress import BlockHeader, Checkpoint, Heartbeat, OutboxCursor, Reorg
from indexer.models.ranks import DailyRank
from indexer.models.retention import RetentionHorizon, UpkeepRun
from indexer.models.token import Buyback, TokenTransfer, Toll, VestingClaim
from indexer.models.totals import AccountTotal, GameTotal

__all__ = [
    "AccountTotal",
    "Alarm",
    "Audit",
    "Bet",
    "BlockHeader",
    "Boost",
    "Buyback",
    "ChainBlock",
    "ChainEvent",
    "ChainTransaction",
    "Checkpoint",
    "Culling",
    "CurrentBet",
    "CurrentLevel",
    "CurrentLevelSlot",
    "CurrentPosition",
    "CurrentProtocol",
    "CurrentRound",
    "CurrentScan",
    "DailyRank",
    "Death",
    "Emission",
    "GameTotal",
    "Heartbeat",
    "Incident",
    "LevelSlot",
    "LevelState",
    "OperatorRequest",
    "OutboxCursor",
    "Position",
    "ProtocolState",
    "QuarantinedLog",
    "Reorg",
    "RetentionHorizon",
    "Round",
    "Scan",
    "SystemReset",
    "TokenTransfer",
    "Toll",
    "UndecodedLog",
    "UpkeepRun",
    "VestingClaim",
    "WitnessAnswer",
]

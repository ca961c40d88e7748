"""Trace scans: who is doomed by the draw, and how far a scan has come."""

from dataclasses import dataclass, field
from enum import StrEnum

from indexer.domain.units import Address


class ScanStep(StrEnum):
    """The steps of a scan, in their order; deaths may be submitted in several batches."""

    EXECUTED = "executed"
    DEATHS_SUBMITTED = "deaths_submitted"
    FINALIZED = "finalized"


class Evidence(StrEnum):
    """How we know who died in a batch, best first."""

    CALLDATA = "calldata"
    TRACE = "trace"
    DRAW = "draw"
    STATE = "state"
    ASSUMED = "assumed"
    """Players with equal stakes were doomed and only some of them submitted: which of them, nothing told."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """How the stakes of a scan's dead were split, in wei; `burned` is what really was (rule 17)."""

    same_level_amount: int
    upstream_amount: int
    burn_amount: int
    protocol_amount: int
    burned: int


@dataclass(slots=True)
class Scan:
    """A scan so far; times in unix seconds, `total_dead` in wei."""

    scan_id: int
    level: int
    seed: int
    executed_at: int
    finalized_at: int | None = None
    batches: int = 0
    death_count: int = 0
    total_dead: int = 0
    survivor_count: int | None = None
    cascade: Cascade | None = None
    processed: set[Address] = field(default_factory=set)
    """Who has died in this scan; nobody is processed twice, even after entering again."""

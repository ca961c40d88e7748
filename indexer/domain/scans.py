"""Trace scans: their steps, who died in them, and how the stakes of the dead are shared."""

from dataclasses import dataclass, field
from enum import StrEnum

from indexer.domain.units import Address


class ScanStep(StrEnum):
    """The steps of a scan, in their order; deaths may be submitted in several batches."""

    EXECUTED = "executed"
    DEATHS_SUBMITTED = "deaths_submitted"
    FINALIZED = "finalized"


class Evidence(StrEnum):
    """The source that named the dead of a batch, the most reliable one first (rule 13)."""

    CALLDATA = "calldata"
    TRACE = "trace"
    DRAW = "draw"
    STATE = "state"
    ASSUMED = "assumed"
    """Several selections of the doomed fit count and stake, and no source decides between them: the first was taken."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """How the stakes of a scan's dead were split, in wei, as reported; `burned` is the real amount (rule 17)."""

    same_level_amount: int
    upstream_amount: int
    burn_amount: int
    protocol_amount: int
    burned: int


@dataclass(slots=True)
class Scan:
    """A scan up to its latest step; times in unix seconds, `total_dead` in wei."""

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
    """The users who died in this scan: the contract processes none twice, even after entering again."""

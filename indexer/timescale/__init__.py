"""What TimescaleDB does for us where it is there: aggregates kept up, old chunks compressed, the oldest retired.

All of it goes by the chain's time, the checkpoint's, not by the clock: see docs/decisions/0011-upkeep.md.
"""

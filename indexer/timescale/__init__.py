"""The use of TimescaleDB, where the server has it: aggregates refreshed, old chunks compressed, the oldest retired.

Ages are measured by the chain's time, the checkpoint's, not by the clock: see docs/decisions/0011-upkeep.md.
"""

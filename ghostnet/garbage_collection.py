"""The thresholds of Python's garbage collector in the processes of this project."""

from typing import Final

START_UP_THRESHOLDS: Final = (20_000, 50, 100)
"""Thresholds for commands: their imports make many objects and no garbage, and the search for it took a tenth of a
second of each start."""

"""How often Python's garbage collector runs in the processes of this project."""

from typing import Final

RARELY: Final = (20_000, 50, 100)
"""Thresholds for commands: what they import makes many objects and no garbage, and to look for it among them took a
tenth of a second of each start."""

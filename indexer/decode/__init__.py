"""From raw logs to event objects: every argument of every event is a static 32-byte word."""

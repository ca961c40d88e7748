"""The rules: one handler per event, pure functions on the game in memory."""

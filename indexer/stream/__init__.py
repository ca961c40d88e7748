"""The feed: read from the tables by cursor, and relayed to a message broker."""

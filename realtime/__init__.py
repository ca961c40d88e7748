"""The WebSocket gateway: `/ws` sends the feed, positions and warnings to subscribers."""

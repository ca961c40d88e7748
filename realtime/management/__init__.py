"""Commands of the WebSocket."""

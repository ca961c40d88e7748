"""The demo: a recorded season as a live chain, indexed and shown."""

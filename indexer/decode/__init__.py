"""Decoding: from raw logs to event objects, and from calldata to calls."""

"""The operators' side: every table to read, the indexer's state at a glance, and requests to it."""

from ghostnet.admin import registry, requests

__all__ = ["registry", "requests"]

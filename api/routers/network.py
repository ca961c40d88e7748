"""`/network`: the vitals of the game in one answer."""

from ninja import Router

from api import schemas
from api.answers import get
from indexer.selectors import network as selectors
from indexer.selectors.snapshot import IndexedBlock

router = Router(tags=["network"])


@get(router, "", schemas.Network, "The network's vitals")
def network(checkpoint: IndexedBlock) -> selectors.Network:
    """Value locked, players, levels with their configuration and scans, the system reset, and the last hour's flows."""
    return selectors.network(checkpoint)

"""Players' positions as the REST API shows them."""

from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from api import schemas
from indexer.domain.units import Address
from indexer.selectors.players import PlayerPosition, latest_position


@sync_to_async(thread_sensitive=True)
def read_positions(addresses: list[str]) -> dict[str, Any]:
    """Each player's position now, None where there is none. Raises django.db.OperationalError."""
    try:
        found = {address: latest_position(Address(address))[1] for address in addresses}
        return {address: position and _as_json(position) for address, position in found.items()}
    except Exception:
        connection.close()
        raise


def _as_json(position: PlayerPosition) -> Any:
    return schemas.Position.of(position).model_dump(mode="json")

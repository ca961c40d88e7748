"""Players' positions as the REST API shows them."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from api import schemas
from indexer.domain.units import Address
from indexer.selectors.players import PlayerPosition, latest_positions


@sync_to_async(thread_sensitive=True)
def read_positions(addresses: list[str]) -> Mapping[Address, PlayerPosition]:
    """The players' positions now, of those who have one. Raises django.db.OperationalError."""
    try:
        _, found = latest_positions([Address(address) for address in addresses])
    except Exception:
        connection.close()
        raise
    return found


def position_json(position: PlayerPosition) -> Any:
    """A position as `/api/v1/positions/{address}` has it."""
    return schemas.Position.of(position).model_dump(mode="json")

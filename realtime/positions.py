"""Read players' positions, and render them as the REST API does."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from api import schemas
from indexer.domain.units import Address
from indexer.selectors.players import PlayerPosition, latest_positions
from indexer.selectors.snapshot import IndexedBlock


@sync_to_async(thread_sensitive=True)
def read_positions(addresses: list[str]) -> tuple[IndexedBlock | None, Mapping[Address, PlayerPosition]]:
    """The last indexed block, and the players' positions after it, of those who have one. Raises
    django.db.OperationalError."""
    try:
        return latest_positions([Address(address) for address in addresses])
    except Exception:
        connection.close()
        raise


def position_json(position: PlayerPosition) -> Any:
    """A position as `/api/v1/positions/{address}` has it."""
    return schemas.Position.of(position).model_dump(mode="json")

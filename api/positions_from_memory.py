"""Answers from memory, without a thread or a query: players' positions."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from django.urls import resolve
from pydantic import TypeAdapter

from api import schemas
from api.answers import content_of
from ghostnet.http.handler import Answer, answer
from indexer.domain.units import Address
from indexer.selectors.snapshot import IndexedBlock
from indexer.stream.positions import CurrentPositions

_PATH: Final = re.compile("/api/v1/positions/(0x[0-9a-f]{40})")
_SHAPE: Final[TypeAdapter[Any]] = TypeAdapter(schemas.PlayerPosition)


class PositionsFromMemory:
    """Answers `/positions/{address}` from the positions in memory, as the view does from the tables."""

    def __init__(self, positions: CurrentPositions) -> None:
        self._positions = positions

    def __call__(self, path: str, query: bytes, gzip: bool, latest: IndexedBlock) -> Answer | None:
        """The answer as of a block to a request in normal form (`ghostnet.http.queries`), None where not known."""
        found, block = _PATH.fullmatch(path), self._positions.block
        if found is None or query or block is None or block.revision != latest.revision:
            return None
        player = Address(found[1])
        position = {"address": player, "position": self._positions.position_of(player)}
        body, headers = content_of(_SHAPE, position, path, latest)
        return answer(HTTPStatus.OK, headers, body, _endpoint(), latest, gzip=gzip)


@cache
def _endpoint() -> str:
    return str(resolve(f"/api/v1/positions/0x{0:040x}").route)

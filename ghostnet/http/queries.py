"""Normalize requests, so that equivalent ones share an answer."""

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.types import Scope

MIN_BLOCK: Final = "min_block"
_BLOCK: Final = re.compile("0|[1-9][0-9]{0,18}")
_HEX: Final = re.compile("0[xX][0-9a-fA-F]{40,64}")


def normal_query(scope: Scope) -> tuple[dict[str, Any], int | None]:
    """A scope with its parameters sorted by name, and addresses and hashes in lower case; and its `min_block`.

    The block is None where there is none, or none that can be one.
    """
    path, query, block = _normal(scope["path"], scope["query_string"])
    return {**scope, "path": path, "query_string": query}, block


def without_block(scope: Scope) -> dict[str, Any]:
    """A scope without its `min_block`."""
    kept = [(name, text) for name, text in _pairs(scope["query_string"]) if name != MIN_BLOCK]
    return {**scope, "query_string": urlencode(kept).encode()}


@lru_cache(maxsize=1024)
def _normal(path: str, query: bytes) -> tuple[str, bytes, int | None]:
    pairs = sorted(_pairs(query), key=lambda pair: pair[0])
    blocks = [text for name, text in pairs if name == MIN_BLOCK]
    block = int(blocks[0]) if len(blocks) == 1 and _BLOCK.fullmatch(blocks[0]) else None
    return _lower(path), urlencode([(name, _lower(text)) for name, text in pairs]).encode(), block


def _pairs(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


def _lower(text: str) -> str:
    return _HEX.sub(lambda found: found[0].lower(), text)

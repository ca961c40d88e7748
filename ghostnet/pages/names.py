"""Names of addresses that are no player's: the game's contracts, and where burned tokens go."""

from functools import cache
from typing import Final

from django.conf import settings

from indexer.domain.units import DEAD_ADDRESS, ZERO_ADDRESS

_NOBODY: Final[dict[str, str]] = {ZERO_ADDRESS: "the zero address", DEAD_ADDRESS: "the dead address"}


@cache
def contract_names() -> dict[str, str]:
    """The names of the deployment's contracts, by their addresses in lower case."""
    return {address.lower(): name for name, address in settings.GHOSTNET.deployment.contracts.items()}


@cache
def names() -> dict[str, str]:
    """All names, by addresses in lower case."""
    return contract_names() | _NOBODY


def name_of(address: str) -> str | None:
    """The name of an address; None for a player's."""
    return names().get(address.lower())


def is_contract(address: str) -> bool:
    """Whether an address is that of one of the game's contracts."""
    return address.lower() in contract_names()

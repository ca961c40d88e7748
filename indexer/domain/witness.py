"""What can be asked of a node when neither logs nor calldata tell what happened."""

from collections.abc import Sequence
from typing import Protocol

from indexer.domain.units import Address, Hash


class Witness(Protocol):
    """Each answer is None where the node can't say."""

    def submitted_lists(self, tx_hash: Hash) -> Sequence[tuple[int, Sequence[Address]]] | None:
        """Level and users of each successful `submitDeaths` call inside a transaction, in order, from its trace."""

    def is_alive(self, user: Address, block_number: int) -> bool | None:
        """Whether a user is alive at the end of a block (`GhostCore.isAlive`)."""

    def stake(self, user: Address, block_number: int) -> int | None:
        """A user's stake in wei at the end of a block (`GhostCore.getPosition`)."""


class NoWitness:
    """The witness who has seen nothing: for chains whose logs and calldata tell everything."""

    def submitted_lists(self, tx_hash: Hash) -> None:
        return None

    def is_alive(self, user: Address, block_number: int) -> None:
        return None

    def stake(self, user: Address, block_number: int) -> None:
        return None

"""Facts that neither logs nor calldata show, requested from a node, or read from stored answers in a rebuild."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

from indexer.domain.units import Address, Hash, Json

T = TypeVar("T")

SubmittedList = tuple[int, Sequence[Address]]
"""Level and users of a `submitDeaths` call."""


class Witness(Protocol):
    """The interface of a source of such facts; each method returns None where the source lacks the fact."""

    def recording_into(self, keep: "Callable[[str, Json], None]") -> "Witness":
        """The same witness for a copy of the game: answers go into the copy's journal, if they are kept at all."""

    def submitted_lists(self, tx_hash: Hash) -> Sequence[SubmittedList] | None:
        """Level and users of each successful `submitDeaths` call inside a transaction, in order, from its trace."""

    def is_alive(self, user: Address, block_number: int) -> bool | None:
        """Whether a user is alive at the end of a block (`GhostCore.isAlive`)."""

    def stake(self, user: Address, block_number: int) -> int | None:
        """A user's stake in wei at the end of a block (`GhostCore.getPosition`)."""


class NoWitness:
    """Returns None for every fact: for chains whose logs and calldata are enough."""

    def recording_into(self, keep: Callable[[str, Json], None]) -> Witness:
        return self

    def submitted_lists(self, tx_hash: Hash) -> None:
        return None

    def is_alive(self, user: Address, block_number: int) -> None:
        return None

    def stake(self, user: Address, block_number: int) -> None:
        return None


class RecordingWitness:
    """Returns the answers of another witness, and passes each to `keep`: a rebuild, which has no node, reads them."""

    def __init__(self, witness: Witness, keep: Callable[[str, Json], None]) -> None:
        self._witness = witness
        self._keep = keep

    def recording_into(self, keep: Callable[[str, Json], None]) -> Witness:
        return RecordingWitness(self._witness, keep)

    def submitted_lists(self, tx_hash: Hash) -> Sequence[SubmittedList] | None:
        return self._kept(f"submitted_lists {tx_hash}", self._witness.submitted_lists(tx_hash))

    def is_alive(self, user: Address, block_number: int) -> bool | None:
        return self._kept(f"is_alive {user} {block_number}", self._witness.is_alive(user, block_number))

    def stake(self, user: Address, block_number: int) -> int | None:
        return self._kept(f"stake {user} {block_number}", self._witness.stake(user, block_number))

    def _kept(self, question: str, answer: T) -> T:
        if answer is not None:
            self._keep(question, Json(json.dumps(str(answer) if type(answer) is int else answer)))
        return answer


class CachingWitness:
    """Asks another witness each question once, for blocks that are applied many times on trial."""

    def __init__(self, witness: Witness) -> None:
        self._submitted_lists = cache(witness.submitted_lists)
        self._is_alive = cache(witness.is_alive)
        self._stake = cache(witness.stake)

    def recording_into(self, keep: Callable[[str, Json], None]) -> Witness:
        return self

    def submitted_lists(self, tx_hash: Hash) -> Sequence[SubmittedList] | None:
        return self._submitted_lists(tx_hash)

    def is_alive(self, user: Address, block_number: int) -> bool | None:
        return self._is_alive(user, block_number)

    def stake(self, user: Address, block_number: int) -> int | None:
        return self._stake(user, block_number)


class RememberedWitness:
    """Returns stored answers of a node; `answers` by question, as RecordingWitness kept them during indexing."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def recording_into(self, keep: Callable[[str, Json], None]) -> Witness:
        return self

    def submitted_lists(self, tx_hash: Hash) -> Sequence[SubmittedList] | None:
        answer = self._answers.get(f"submitted_lists {tx_hash}")
        return None if answer is None else [(level, users) for level, users in answer]

    def is_alive(self, user: Address, block_number: int) -> bool | None:
        answer: bool | None = self._answers.get(f"is_alive {user} {block_number}")
        return answer

    def stake(self, user: Address, block_number: int) -> int | None:
        answer = self._answers.get(f"stake {user} {block_number}")
        return None if answer is None else int(answer)

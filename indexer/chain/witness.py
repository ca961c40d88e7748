"""A witness that queries a node: traces where it offers them, state where it keeps it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from indexer.chain.block_reference import BlockReference
from indexer.chain.errors import NodeError
from indexer.chain.full_blocks import calls_of
from indexer.decode.calldata import death_lists
from indexer.domain.units import Address, Calldata, Hash, Json
from indexer.rules.witness import Witness

T = TypeVar("T")


class NodeQueries(Protocol):
    """The queries that NodeWitness makes (BlockSource has them); each may block until the node answers."""

    def call(self, method: str, params: list[Any]) -> Any: ...

    def stakes(self, users: Sequence[Address], block: BlockReference) -> list[int] | None: ...

    def alive(self, users: Sequence[Address], block: BlockReference) -> list[bool] | None: ...


class NodeWitness(Witness):
    """Queries by JSON-RPC; the result is None if the node can't answer, or answers for another block."""

    def __init__(self, node: NodeQueries, contracts: Mapping[str, Address]) -> None:
        self._node = node
        self._contracts = contracts

    def recording_into(self, keep: Callable[[str, Json], None]) -> Witness:
        return self

    def submitted_lists(self, tx_hash: Hash) -> Sequence[tuple[int, Sequence[Address]]] | None:
        try:
            trace = self._node.call("debug_traceTransaction", [tx_hash, {"tracer": "callTracer"}])
        except NodeError:
            return None
        return [
            (death_list.level, death_list.users)
            for frame in calls_of(trace, self._contracts["TraceScan"])
            for death_list in death_lists(Calldata(str(frame.get("input", "0x"))))
        ]

    def is_alive(self, user: Address, block_number: int) -> bool | None:
        return _first(self._node.alive, user, block_number)

    def stake(self, user: Address, block_number: int) -> int | None:
        return _first(self._node.stakes, user, block_number)


def _first(
    ask: Callable[[Sequence[Address], BlockReference], list[T] | None], user: Address, block_number: int
) -> T | None:
    """The only user's value; None if the node has none."""
    try:
        found = ask([user], block_number)
    except NodeError:
        return None
    return found[0] if found else None

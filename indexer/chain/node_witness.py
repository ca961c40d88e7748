"""A witness who asks a node: traces where it has them, state where it keeps it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from indexer.apply.calldata import death_lists
from indexer.chain.errors import NodeError
from indexer.domain.units import Address, Calldata, Hash
from indexer.domain.witness import Witness

_IS_ALIVE = "0x1703e5f9"
_GET_POSITION = "0x16c19739"


class NodeWitness(Witness):
    """Asks by JSON-RPC; an answer that the node can't give is None. `call` may block, as the node does."""

    def __init__(self, call: Callable[[str, list[Any]], Any], contracts: Mapping[str, Address]) -> None:
        self._call = call
        self._contracts = contracts

    def submitted_lists(self, tx_hash: Hash) -> Sequence[tuple[int, Sequence[Address]]] | None:
        try:
            trace = self._call("debug_traceTransaction", [tx_hash, {"tracer": "callTracer"}])
        except NodeError:
            return None
        return [
            (death_list.level, death_list.users)
            for calldata in _inputs_to(trace, self._contracts["TraceScan"])
            for death_list in death_lists(calldata)
        ]

    def is_alive(self, user: Address, block_number: int) -> bool | None:
        alive = self._first_word(_IS_ALIVE, user, block_number)
        return None if alive is None else bool(alive)

    def stake(self, user: Address, block_number: int) -> int | None:
        return self._first_word(_GET_POSITION, user, block_number)

    def _first_word(self, selector: str, user: Address, block_number: int) -> int | None:
        """The first word of a view of GhostCore's about a user."""
        call = {"to": self._contracts["GhostCore"], "data": selector + user[2:].rjust(64, "0")}
        try:
            answer = self._call("eth_call", [call, hex(block_number)])
            return int(answer[:66], 16)
        except (NodeError, ValueError, TypeError):
            return None


def _inputs_to(frame: Mapping[str, Any], contract: Address) -> Iterator[Calldata]:
    """The inputs of a trace's successful calls of a contract, in order; a failed frame undoes its inner ones."""
    if frame.get("error"):
        return
    if str(frame.get("to", "")).lower() == contract and frame.get("type") == "CALL":
        yield Calldata(str(frame.get("input", "0x")))
    for inner in frame.get("calls", ()):
        yield from _inputs_to(inner, contract)

"""A witness who asks a node: traces where it has them, state where it keeps it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from eth_abi.exceptions import DecodingError

from indexer.chain.errors import NodeError
from indexer.chain.views import GET_POSITION, IS_ALIVE, View
from indexer.decode.calldata import death_lists
from indexer.domain.units import Address, Calldata, Hash
from indexer.rules.witness import Witness


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
        alive: bool | None = self._first_result(IS_ALIVE, user, block_number)
        return alive

    def stake(self, user: Address, block_number: int) -> int | None:
        amount: int | None = self._first_result(GET_POSITION, user, block_number)
        return amount

    def _first_result(self, view: View, user: Address, block_number: int) -> Any:
        """The first result of a view about a user."""
        call = {"to": self._contracts[view.contract], "data": view.calldata(user)}
        try:
            return view.decode(self._call("eth_call", [call, hex(block_number)]))[0]
        except (NodeError, DecodingError, ValueError, TypeError):
            return None


def _inputs_to(frame: Mapping[str, Any], contract: Address) -> Iterator[Calldata]:
    """The inputs of a trace's successful calls of a contract, in order; a failed frame undoes its inner ones."""
    if frame.get("error"):
        return
    if str(frame.get("to", "")).lower() == contract and frame.get("type") == "CALL":
        yield Calldata(str(frame.get("input", "0x")))
    for inner in frame.get("calls", ()):
        yield from _inputs_to(inner, contract)

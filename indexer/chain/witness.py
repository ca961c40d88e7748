"""A witness who asks a node: traces where it has them, state where it keeps it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from indexer.chain.errors import NodeError
from indexer.chain.full_blocks import calls_of
from indexer.chain.views import GET_POSITION, IS_ALIVE, View
from indexer.decode.calldata import death_lists
from indexer.domain.units import Address, Calldata, Hash, Json
from indexer.rules.witness import Witness


class NodeWitness(Witness):
    """Asks by JSON-RPC; an answer that the node can't give is None. `call` may block, as the node does."""

    def __init__(self, call: Callable[[str, list[Any]], Any], contracts: Mapping[str, Address]) -> None:
        self._call = call
        self._contracts = contracts

    def recording_into(self, keep: Callable[[str, Json], None]) -> Witness:
        return self

    def submitted_lists(self, tx_hash: Hash) -> Sequence[tuple[int, Sequence[Address]]] | None:
        try:
            trace = self._call("debug_traceTransaction", [tx_hash, {"tracer": "callTracer"}])
        except NodeError:
            return None
        return [
            (death_list.level, death_list.users)
            for frame in calls_of(trace, self._contracts["TraceScan"])
            for death_list in death_lists(Calldata(str(frame.get("input", "0x"))))
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
        except (NodeError, ValueError, TypeError):
            return None

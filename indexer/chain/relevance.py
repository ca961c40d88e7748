"""Which transactions the rules need to see, told from the chain's content alone."""

from collections.abc import Iterable, Mapping
from typing import Final

from indexer.chain.wire import WireLog, WireTransaction
from indexer.decode.calldata import CLAIM_REWARDS, UPDATE_LEVEL_CONFIG

DEATHS_SUBMITTED: Final = "0x4b48f53b117906592e55018c429199ddc71eecd15b108d0f41b90bbf2dbbd5c7"
"""topic0 of TraceScan's DeathsSubmitted."""


class Relevance:
    """Chooses transactions whose calldata tells what no log does; `contracts` maps names to addresses."""

    def __init__(self, contracts: Mapping[str, str]) -> None:
        self._ghost_core = contracts["GhostCore"]
        self._trace_scan = contracts["TraceScan"]

    def death_transactions(self, logs: Iterable[WireLog]) -> set[str]:
        """The hashes of transactions in which somebody died: their calldata says who."""
        return {
            log.transaction_hash
            for log in logs
            if log.address == self._trace_scan and log.topics[:1] == [DEATHS_SUBMITTED]
        }

    def may_act_silently(self, transaction: WireTransaction, has_logs: bool) -> bool:
        """Whether a transaction claims rewards or changes a configuration, itself or in a nested call.

        A direct claim with logs needs no look: its Transfer tells the story.
        """
        calldata = transaction.input
        if UPDATE_LEVEL_CONFIG in calldata:
            return True
        if CLAIM_REWARDS not in calldata:
            return False
        is_direct = calldata == "0x" + CLAIM_REWARDS and transaction.to == self._ghost_core
        return not (is_direct and has_logs)

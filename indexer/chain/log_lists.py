"""Lists of logs as nodes return them: their order, repeated logs, and logs that a reorg took back."""

from collections.abc import Sequence

from indexer.chain.rpc_types import WireLog
from indexer.domain.units import quantity


def place_of(log: WireLog) -> tuple[int, int]:
    """A log's place on the chain: the numbers of its block and of itself there. Raises ValueError."""
    return quantity(log.block_number), quantity(log.log_index)


def in_chain_order(logs: Sequence[WireLog]) -> list[WireLog]:
    """Logs in their order on the chain, each once, however a node has put them together. Raises ValueError."""
    found: list[WireLog] = []
    for log in sorted(logs, key=place_of):
        if not found or log != found[-1]:
            found.append(log)
    return found


def without_removed(logs: Sequence[WireLog]) -> Sequence[WireLog]:
    """Logs without those that a reorg took back, where the answer also has what stands in their place: the same log
    again, or logs of another block at that height. Any other removed log stays, and contradicts its answer."""
    if not any(log.removed for log in logs):
        return logs
    standing = [log for log in logs if not log.removed]
    places = {(log.block_hash, place_of(log)) for log in standing}
    blocks = {(log.block_hash, quantity(log.block_number)) for log in standing}
    heights = {number for _, number in blocks}

    def is_replaced(log: WireLog) -> bool:
        number = quantity(log.block_number)
        other_block = number in heights and (log.block_hash, number) not in blocks
        return other_block or (log.block_hash, place_of(log)) in places

    return [log for log in logs if not (log.removed and is_replaced(log))]

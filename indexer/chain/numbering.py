"""Check that a block's logs are whole and in order, each where its transaction stands in the block."""

from collections.abc import Sequence
from itertools import pairwise

from indexer.chain.errors import Inconsistent, Misnumbered
from indexer.chain.log_lists import in_chain_order, without_removed
from indexer.chain.rpc_types import WireLog, WirePlacedTransaction, WireTransaction
from indexer.domain.chain import Header
from indexer.domain.units import MAX_IN_BLOCK, Hash, quantity


def checked_logs(logs: list[WireLog], header: Header) -> list[WireLog]:
    """The logs of a block, sorted and without duplicates if the node sent them otherwise. Raises as `check_logs`."""
    if not _are_in_order(logs, header.hash):
        logs = in_chain_order(without_removed(logs))
        check_logs(logs, header)
    return logs


def check_logs(logs: Sequence[WireLog], header: Header) -> None:
    """Check that logs are of this block, in order, each once and whole, and none removed.

    Raises Inconsistent, or Misnumbered if log indices are counted by transaction, or transaction indices do not follow
    the transactions' order in the block.
    """
    if not _are_in_order(logs, header.hash):
        _raise_disorder(logs, header)


def _are_in_order(logs: Sequence[WireLog], block_hash: Hash) -> bool:
    """Whether a block's logs are whole and in order, checked in few passes, since it runs for each fetched log."""
    last_index, last_position, tx_hash, tx_index = -1, -1, "", ""
    seen = set()
    for log in logs:
        index = quantity(log.log_index)
        if index <= last_index or log.removed or log.block_hash != block_hash:
            return False
        last_index = index
        if log.transaction_hash != tx_hash:
            tx_hash, tx_index = log.transaction_hash, log.transaction_index
            position = quantity(tx_index)
            if position <= last_position or tx_hash in seen:
                return False
            last_position = position
            seen.add(tx_hash)
        elif log.transaction_index != tx_index:
            return False
    return last_index < MAX_IN_BLOCK and last_position < MAX_IN_BLOCK and _are_whole(logs)


def _are_whole(logs: Sequence[WireLog]) -> bool:
    """Whether the data of all logs are bytes in hex: Python would also read numbers with blanks, signs, underscores."""
    digits = " ".join([log.data[2:] for log in logs])
    try:
        data = bytes.fromhex(digits)  # which passes over blanks between bytes, as there are between the logs
    except ValueError:
        return False
    return 2 * len(data) == len(digits) - max(0, len(logs) - 1)


def _raise_disorder(logs: Sequence[WireLog], header: Header) -> None:
    """Raise the error of a block's logs if they are not in order."""
    number = header.number
    if any(log.block_hash != header.hash for log in logs):
        raise Inconsistent(f"the logs of block {number} are of another fork than its header")
    indices = [quantity(log.log_index) for log in logs]
    if any(log.removed for log in logs):
        raise Inconsistent(f"logs of block {number} were removed")
    if not _are_whole(logs):
        raise Inconsistent(f"the data of a log of block {number} are no bytes in hex")
    if indices != sorted(set(indices)):
        falls = [
            pair for pair, (one, next_one) in zip(pairwise(logs), pairwise(indices), strict=True) if next_one <= one
        ]
        if all(quantity(log.transaction_index) < quantity(following.transaction_index) for log, following in falls):
            raise Misnumbered(f"logs of block {number} are numbered by transaction, not by block: {indices}")
        raise Inconsistent(f"logs of block {number} are out of order or repeated: {indices}")
    if (highest := max(indices[-1], *(quantity(log.transaction_index) for log in logs))) >= MAX_IN_BLOCK:
        raise Misnumbered(f"{highest} can't be the index of a log or transaction in block {number}")
    positions = list(dict.fromkeys((log.transaction_hash, log.transaction_index) for log in logs))
    if len(positions) > 1:
        numbers = [quantity(index) for _, index in positions]
        if len({tx_hash for tx_hash, _ in positions}) != len(positions) or numbers != sorted(set(numbers)):
            raise Misnumbered(f"logs of block {number} have transaction indices that are not their transactions'")


def check_position(log: WireLog, transaction: WireTransaction) -> None:
    """Raise Misnumbered unless a log and its transaction have the same transaction index."""
    if log.transaction_index != transaction.index and quantity(log.transaction_index) != quantity(transaction.index):
        raise Misnumbered(
            f"transaction {transaction.hash} stands at {transaction.index} in its block, its logs say"
            f" {log.transaction_index}"
        )


def check_placed(log: WireLog, transaction: WirePlacedTransaction, header: Header) -> None:
    """Raise Inconsistent unless a transaction is that of a log, and in its block; Misnumbered as `check_position`."""
    if transaction.hash != log.transaction_hash or transaction.block_hash != header.hash:
        raise Inconsistent(f"transaction {log.transaction_hash} is not of block {header.number}")
    check_position(log, transaction)

"""Which transactions of a block may have changed something without a log, by their parties and their calldata."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from indexer.decode.calldata import hints_at_silent_change, level_config_of, makes_claim
from indexer.domain.chain import ConfigChange, Header, Settlement, Transaction
from indexer.domain.units import Address, Hash

MOST_CALLDATA: Final = 100
"""Transactions of one block whose calldata is fetched one by one."""

BlockReference = Hash | int
"""A block by its hash, or by its number where the hash is not known."""
Change = ConfigChange | Settlement


class TransactionSource(Protocol):
    """What is asked of a node."""

    def successes(self, block: BlockReference) -> list[Transaction] | None: ...

    def calldata(self, hashes: Sequence[Hash]) -> dict[Hash, Transaction]: ...

    def transactions(self, block: BlockReference) -> tuple[Header, list[Transaction]]: ...

    def succeeded(self, transactions: Sequence[Transaction]) -> set[Hash]: ...


def suggested_transactions(
    source: TransactionSource, ghost_core: Address, block: BlockReference, changes: Sequence[Change]
) -> Mapping[Change, list[Transaction]]:
    """For each change the successful transactions of a block that may have made it, the likeliest first.

    Most changes are made by a call to GhostCore or by the player's own account or wallet: receipts show those, and
    only their calldata is fetched. Where one is explained by none of these, the block is fetched whole.
    """
    successes = source.successes(block)
    if successes is not None:
        users = {change.user for change in changes if isinstance(change, Settlement)}
        near = [
            transaction.hash
            for transaction in successes
            if transaction.recipient == ghost_core or {transaction.sender, transaction.recipient} & users
        ]
        known = source.calldata(near[:MOST_CALLDATA]) if near else {}
        found = {change: _likeliest(change, list(known.values()), ghost_core) for change in changes}
        if all(found.values()):
            return found
    _, transactions = source.transactions(block)
    if successes is None:
        hinting = [
            transaction for transaction in transactions if any(_suggests(transaction, change) for change in changes)
        ]
        succeeded = source.succeeded(hinting) if hinting else set()
    else:
        succeeded = {transaction.hash for transaction in successes}
    transactions = [transaction for transaction in transactions if transaction.hash in succeeded]
    return {change: _likeliest(change, transactions, ghost_core) for change in changes}


def _likeliest(change: Change, transactions: Sequence[Transaction], ghost_core: Address) -> list[Transaction]:
    """Those transactions that may have made a change as far as parties and calldata show: a direct call first, then
    a nested one, then one by or to the player."""
    fitting = [transaction for transaction in transactions if _suggests(transaction, change)]
    return sorted(fitting, key=lambda transaction: (_rank(transaction, change, ghost_core), transaction.tx_index))


def _suggests(transaction: Transaction, change: Change) -> bool:
    if isinstance(change, ConfigChange):
        return hints_at_silent_change(transaction.input)
    return change.user in (transaction.sender, transaction.recipient) or (
        hints_at_silent_change(transaction.input) and change.user[2:] in transaction.input
    )


def _rank(transaction: Transaction, change: Change, ghost_core: Address) -> int:
    direct = transaction.recipient == ghost_core
    if isinstance(change, ConfigChange):
        return 0 if direct and level_config_of(transaction.input) == (change.level, change.config) else 1
    if direct and transaction.sender == change.user and makes_claim(transaction.input):
        return 0
    return 1 if hints_at_silent_change(transaction.input) and not direct else 2

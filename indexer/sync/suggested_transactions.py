"""Find transactions of a block that may have made a silent change, by their parties and their calldata."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from indexer.decode.calldata import CLAIM_REWARDS, encoded_level_config, makes_claim
from indexer.domain.chain import ConfigChange, Header, Settlement, Transaction
from indexer.domain.units import Address, Hash

MAX_CALLDATA: Final = 100
"""Transactions of one block whose calldata is fetched one by one."""

BlockId = Hash | int
"""A block by its hash, or by its number where the hash is not known."""
Change = ConfigChange | Settlement


class Hint(IntEnum):
    """How a transaction suggests that it made a change, the strongest first."""

    CALL = 0
    """It is the call itself."""
    NESTED_CALL = 1
    """Its calldata holds the call: of that configuration, or, for a settlement, with the player as a party, or named
    together with GhostCore."""
    WALLET_WITHOUT_LOGS = 2
    """It is to the player, a contract wallet, and emitted no log of the contracts: no event shows what it did."""
    WEAK = 3
    """For a settlement: the player is a party to it otherwise, or named."""


class Suggestion(NamedTuple):
    """A transaction that may have made a change."""

    hint: Hint
    transaction: Transaction


class TransactionSource(Protocol):
    """The queries that are made of a node."""

    def successes(self, block: BlockId) -> list[Transaction] | None: ...

    def calldata(self, hashes: Sequence[Hash]) -> dict[Hash, Transaction]: ...

    def transactions(self, block: BlockId) -> tuple[Header, list[Transaction]]: ...

    def succeeded(self, transactions: Sequence[Transaction]) -> set[Hash]: ...


def suggested_transactions(
    source: TransactionSource,
    ghost_core: Address,
    block: BlockId,
    changes: Sequence[Change],
    with_logs: AbstractSet[Hash],
) -> Mapping[Change, list[Suggestion]]:
    """For each change the successful transactions of a block that may have made it, in their order; those `with_logs`
    emitted logs of the contracts.

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
        known = source.calldata(near[:MAX_CALLDATA]) if near else {}
        found = suggested_among(list(known.values()), ghost_core, changes, with_logs)
        if all(found.values()):
            return found
    _, transactions = source.transactions(block)
    if successes is None:
        hinting = [
            transaction
            for transaction in transactions
            if any(_hint(transaction, change, ghost_core, with_logs) is not None for change in changes)
        ]
        succeeded = source.succeeded(hinting) if hinting else set()
    else:
        succeeded = {transaction.hash for transaction in successes}
    transactions = [transaction for transaction in transactions if transaction.hash in succeeded]
    return suggested_among(transactions, ghost_core, changes, with_logs)


def suggested_among(
    transactions: Sequence[Transaction],
    ghost_core: Address,
    changes: Sequence[Change],
    with_logs: AbstractSet[Hash],
) -> Mapping[Change, list[Suggestion]]:
    """For each change those of some successful transactions of a block that may have made it."""
    return {
        change: sorted(
            Suggestion(hint, transaction)
            for transaction in transactions
            if (hint := _hint(transaction, change, ghost_core, with_logs)) is not None
        )
        for change in changes
    }


def _hint(transaction: Transaction, change: Change, ghost_core: Address, with_logs: AbstractSet[Hash]) -> Hint | None:
    """How a transaction suggests a change, None if it does not."""
    direct = transaction.recipient == ghost_core
    if isinstance(change, ConfigChange):
        if encoded_level_config(change.level, change.config) not in transaction.input:
            return None
        return Hint.CALL if direct else Hint.NESTED_CALL
    is_party = change.user in (transaction.sender, transaction.recipient)
    if direct:
        is_silent = transaction.hash not in with_logs
        return Hint.CALL if is_party and is_silent and makes_claim(transaction.input) else None
    if CLAIM_REWARDS in transaction.input and (is_party or change.user[2:] in transaction.input):
        return Hint.NESTED_CALL if is_party or ghost_core[2:] in transaction.input else Hint.WEAK
    if not is_party:
        return None
    is_quiet = transaction.recipient == change.user and transaction.hash not in with_logs
    return Hint.WALLET_WITHOUT_LOGS if is_quiet else Hint.WEAK

"""Logs of the block that the node builds, before it is sealed, as MegaETH's mini-blocks bring them.

The subscription shares the socket of the heads (`indexer.chain.heads`). It is a hint and nothing more: what it brings
may be missing, doubled, out of order, or never be sealed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec

from indexer.chain.blocks import parse_transaction
from indexer.chain.client import NodeClient
from indexer.chain.errors import NodeError
from indexer.chain.json_normalization import with_hex_quantities
from indexer.chain.mini_blocks import MiniBlock
from indexer.chain.rpc_types import WirePendingLog, WireTransaction
from indexer.chain.socket_messages import RequestId, SocketMessage, request_text
from indexer.decode.decoder import topics_of
from indexer.domain.chain import Transaction
from indexer.domain.units import NO_HASH, Hash, quantity

logger = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.001
"""Seconds without another log after which a transaction is assumed to be complete; the node does not mark its end."""
CALLDATA_SECONDS: Final = 0.5
CALLDATA_PAUSE_SECONDS: Final = 0.02
"""How long, and with which pauses, calldata is asked for: a machine of the node may lag behind."""


class PreconfirmedMode(StrEnum):
    """Whether logs are read before their block is sealed. AUTO: if the node offers the subscription. ON: the same, with
    a warning if it does not. MINI_BLOCKS: by whole mini-blocks, with other people's transactions. OFF: not at all."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"
    MINI_BLOCKS = "mini-blocks"


@dataclass(frozen=True, slots=True)
class PreconfirmedTransaction:
    """The logs of our contracts that a transaction left, before its block is sealed.

    `timestamp` is the block's, where the node says it; `transactions` holds the transaction itself if players died in
    it.
    """

    block_number: int
    hash: Hash
    logs: list[WirePendingLog]
    timestamp: int | None = None
    transactions: list[Transaction] = field(default_factory=list)

    def add(self, more: "PreconfirmedTransaction") -> bool:
        """Add what another part of the same transaction has beyond this one; return whether there are logs in it."""
        new = [log for log in more.logs if log not in self.logs]
        self.logs.extend(new)
        self.logs.sort(key=lambda log: quantity(log.log_index))
        self.transactions.extend(one for one in more.transactions if one not in self.transactions)
        return bool(new)


class Socket(Protocol):
    """What the subscription needs of a WebSocket."""

    async def send(self, message: str) -> None: ...


_decode_log: Final = msgspec.json.Decoder(WirePendingLog).decode


class PreconfirmedLogs:
    """The subscription to pending logs of our contracts, and the transactions that they make.

    Belongs to one event loop; `hand_over` gets each transaction as soon as it is complete, in the order of their logs.
    """

    def __init__(
        self,
        client: NodeClient,
        contracts: Mapping[str, str],
        mode: PreconfirmedMode,
        hand_over: Callable[[PreconfirmedTransaction], None],
    ) -> None:
        self._client = client
        self._addresses = sorted(contracts.values())
        self._deaths = {(contracts["TraceScan"], topic0) for topic0 in topics_of("TraceScan", "DeathsSubmitted")}
        self._mode = mode
        self._hand_over = hand_over
        self._subscription: Any = None
        self._logs: list[WirePendingLog] = []
        """Those received so far of the current transaction."""
        self._timer: asyncio.TimerHandle | None = None
        self._complete: asyncio.Queue[PreconfirmedTransaction] = asyncio.Queue()
        """Those that wait for calldata, or for one before them that does; `_waiting` counts those not handed over."""
        self._waiting = 0
        self._logged: str | None = None

    @property
    def brings_everything(self) -> bool:
        """Whether other people's transactions are received too, which makes a large amount of data."""
        return self._mode is PreconfirmedMode.MINI_BLOCKS

    async def subscribe(self, socket: Socket) -> None:
        """Ask for the subscription on a socket that was just opened."""
        self._subscription, self._logs = None, []
        if self._mode is PreconfirmedMode.OFF:
            return
        wanted = {"address": self._addresses, "fromBlock": "pending", "toBlock": "pending"}
        params = ["miniBlocks"] if self._mode is PreconfirmedMode.MINI_BLOCKS else ["logs", wanted]
        await socket.send(request_text(RequestId.PRECONFIRMED, "eth_subscribe", params))

    def takes(self, message: SocketMessage) -> bool:
        """Process a message of the socket if it belongs to this subscription; return whether it does."""
        if self._mode is PreconfirmedMode.OFF:
            return False
        if message.id == RequestId.PRECONFIRMED:
            self._answered(message)
            return True
        if message.params is None or message.params.subscription != self._subscription:
            return False
        raw = bytes(message.params.result)
        try:
            if self._mode is PreconfirmedMode.MINI_BLOCKS:
                self._take_mini_block(MiniBlock(raw))
            else:
                self._take_log(_decode_log(with_hex_quantities(raw)))
        except (msgspec.MsgspecError, ValueError) as error:
            self._log_once(logging.WARNING, f"logs before their block can't be read: {error}")
        return True

    def end_block(self, number: int) -> None:
        """Hand over the transaction that is coming in, if it is of a block up to this one, which is sealed: it is
        complete."""
        with suppress(ValueError):
            if self._logs and quantity(self._logs[0].block_number) <= number:
                self._end_transaction()

    async def run(self) -> None:
        """Hand over transactions that lack the calldata of deaths, with it, and those after them, until cancelled."""
        while True:
            transaction = await self._complete.get()
            if self._has_deaths(transaction) and not transaction.transactions:
                transaction.transactions.extend(await self._with_calldata(transaction.hash))
            self._hand_over(transaction)
            self._waiting -= 1

    def _end(self, transaction: PreconfirmedTransaction) -> None:
        """Hand over a complete transaction: at once, unless it or one before it lacks calldata."""
        if self._waiting or (self._has_deaths(transaction) and not transaction.transactions):
            self._waiting += 1
            self._complete.put_nowait(transaction)
        else:
            self._hand_over(transaction)

    def _has_deaths(self, transaction: PreconfirmedTransaction) -> bool:
        return any((log.address, *log.topics[:1]) in self._deaths for log in transaction.logs)

    def _answered(self, message: SocketMessage) -> None:
        if message.error is None and isinstance(message.result, str | int):
            self._subscription = message.result
            self._log_once(logging.INFO, "the node streams logs before their block")
        else:
            level = logging.INFO if self._mode is PreconfirmedMode.AUTO else logging.WARNING
            self._log_once(level, f"the node streams no logs before their block: {message.error}")

    def _log_once(self, level: int, text: str) -> None:
        """Log what the node has answered, unless it has answered so before."""
        if text != self._logged:
            self._logged = text
            logger.log(level, text)

    def _take_mini_block(self, mini_block: MiniBlock) -> None:
        for logs in mini_block.logs_by_transaction(self._addresses):
            transaction = _transaction(logs)
            if self._has_deaths(transaction):
                transaction.transactions.extend(mini_block.transactions(transaction.hash))
            self._end(transaction)

    def _take_log(self, log: WirePendingLog) -> None:
        if log.removed or (log.block_hash is not None and log.block_hash != NO_HASH):
            return  # a node without mini-blocks brings the logs of sealed blocks
        if self._logs and not _same_transaction(self._logs[-1], log):
            self._end_transaction()
        self._logs.append(log)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._end_transaction)

    def _end_transaction(self) -> None:
        logs, self._logs = self._logs, []
        if not logs:
            return
        try:
            transaction = _transaction(logs)
        except ValueError as error:
            self._log_once(logging.WARNING, f"logs before their block can't be read: {error}")
            return
        self._end(transaction)

    async def _with_calldata(self, tx_hash: Hash) -> list[Transaction]:
        """A transaction that is not sealed yet; nothing if the node does not show it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CALLDATA_SECONDS):
                while True:
                    try:
                        found = await self._client.call("eth_getTransactionByHash", [tx_hash], WireTransaction)
                        return [parse_transaction(found)]
                    except (NodeError, ValueError) as error:
                        logger.debug("the calldata of %s: %s", tx_hash, error)
                    await asyncio.sleep(CALLDATA_PAUSE_SECONDS)
        return []


def _same_transaction(one: WirePendingLog, other: WirePendingLog) -> bool:
    return one.transaction_hash == other.transaction_hash and one.block_number == other.block_number


def _transaction(logs: list[WirePendingLog]) -> PreconfirmedTransaction:
    """The transaction of these logs. Raises ValueError if their numbers are none."""
    for log in logs:
        quantity(log.log_index), quantity(log.transaction_index)
    first = logs[0]
    time_known = first.block_timestamp
    return PreconfirmedTransaction(
        quantity(first.block_number),
        Hash(first.transaction_hash),
        logs,
        None if time_known is None else quantity(time_known),
    )

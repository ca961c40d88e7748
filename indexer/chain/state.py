"""The contracts' state after a block, read from a node: one call by Multicall3 where it is deployed, else a batch."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from indexer.base.errors import GhostnetError
from indexer.chain.answers import Answers, Call, HexOrHeader
from indexer.chain.block_reference import AnotherBlock, BlockReference, MulticallBlockCheck, block_param, check_header
from indexer.chain.client import NodeClient
from indexer.chain.consistency import retry_inconsistent
from indexer.chain.errors import RpcError, TooLarge
from indexer.chain.metrics import FOREIGN_STATES
from indexer.chain.multicall import multicall_calldata, multicall_results
from indexer.chain.rpc_types import WireHeader
from indexer.chain.views import (
    BALANCE_OF,
    GET_LEVEL_CONFIG,
    GET_LEVEL_STATE,
    GET_POSITION,
    GET_SYSTEM_RESET,
    GET_TOTAL_VALUE_LOCKED,
    IS_ALIVE,
    MULTICALL3,
    PAUSED,
    TOTAL_SUPPLY,
    View,
)
from indexer.domain.chain import Header
from indexer.domain.levels import INITIAL_CONFIGS, LevelConfig
from indexer.domain.state import ContractState, LevelFigures, ResetFigures, watched_accounts
from indexer.domain.units import Address

logger = logging.getLogger(__name__)

MAX_VIEWS: Final = 250
"""Views in one Multicall3 call: far below the 60 M gas that MegaETH allows it."""

_LEVELS: Final = sorted(map(int, INITIAL_CONFIGS))
_HEX_OR_HEADER: Final[Any] = str | WireHeader

Question = tuple[View, Any]
"""A view with its argument, None for a view without one."""
_CLOSING: Final[tuple[Question, ...]] = (
    *((view, level) for level in _LEVELS for view in (GET_LEVEL_STATE, GET_LEVEL_CONFIG)),
    *((view, None) for view in (GET_SYSTEM_RESET, PAUSED, GET_TOTAL_VALUE_LOCKED, TOTAL_SUPPLY)),
)
"""The views read at the end of every range, besides the balances of the deployment's accounts."""
_BEGUN: Final[tuple[Question, ...]] = ((GET_SYSTEM_RESET, None), (TOTAL_SUPPLY, None))
"""The views that show something as soon as GhostCore is initialized, or DATA is minted."""


class StateUnavailable(GhostnetError):
    """The node does not have the contracts' state after that block."""

    help = "Nodes keep the state of recent blocks only: put an archive node into GHOSTNET_RPC_URLS to have it."


class StateMissing(StateUnavailable):
    """The node refused the call: it keeps no state of that block, or has no `eth_call`."""


class StateReader:
    """Reads views of the deployment; `contracts` maps names to addresses."""

    def __init__(self, client: NodeClient, contracts: Mapping[str, str]) -> None:
        self._client = client
        self._contracts = contracts
        self._accounts = watched_accounts(contracts)
        self._closing: tuple[Question, ...] = (*_CLOSING, *((BALANCE_OF, account) for account in self._accounts))
        self._multicall: bool | None = None
        self._block_check = MulticallBlockCheck()
        self._warned = False
        self._aggregated = lru_cache(maxsize=8)(self._aggregate)

    async def closing_calls(self, block: BlockReference) -> list[Call]:
        """The calls by which `state` reads the state after a block."""
        return await self._calls(self._closing, block)

    async def state(self, block: BlockReference, answers: Answers | None = None) -> ContractState:
        """The contracts' state after a block; `answers` are those to the `closing_calls`, if they were sent already.

        Raises StateUnavailable, NodeUnreachable, Inconsistent if the node repeatedly gives another block's.
        """
        figures = await self._read(self._closing, block, answers)
        *levels, reset, paused, locked, supply = figures[: len(_CLOSING)]
        balances = zip(self._accounts, figures[len(_CLOSING) :], strict=True)
        if any(figure is None for figure in (*levels, reset, paused, locked)):
            raise StateUnavailable(f"GhostCore's views can't be read after block {_name(block)}")
        deadline, depositor, deposit_time, epoch, penalty = reset
        return ContractState(
            {level: LevelFigures(*figures) for level, figures in zip(_LEVELS, levels[::2], strict=True)},
            {level: LevelConfig(*config) for level, config in zip(_LEVELS, levels[1::2], strict=True)},
            ResetFigures(deadline, Address(depositor.lower()), deposit_time, epoch, penalty),
            paused[0],
            locked[0],
            supply[0] if supply is not None else None,
            {account: balance[0] for account, balance in balances if balance is not None},
        )

    async def has_begun(self, block: BlockReference) -> bool:
        """Whether GhostCore is initialized after a block, or any DATA is minted. Raises as `state`."""
        return any(figures is not None and figures[0] for figures in await self._read(_BEGUN, block))

    async def stakes(self, users: Sequence[Address], block: BlockReference) -> list[int]:
        """The raw stakes of users in wei (`getPosition`), 0 without a position. Raises as `state`."""
        return await self._first_results(GET_POSITION, users, block)

    async def alive(self, users: Sequence[Address], block: BlockReference) -> list[bool]:
        """Whether users are alive (`isAlive`). Raises as `state`."""
        return await self._first_results(IS_ALIVE, users, block)

    async def _first_results(self, view: View, users: Sequence[Address], block: BlockReference) -> list[Any]:
        """The first result of a view of each user. Raises as `state`."""
        answers = await self._read(tuple((view, user) for user in users), block)
        if None in answers:
            raise StateUnavailable(f"{view.signature} can't be read after block {_name(block)}")
        return [answer[0] for answer in answers]

    async def _read(
        self, questions: tuple[Question, ...], block: BlockReference, answers: Answers | None = None
    ) -> list[Any]:
        """What the views returned, None where a call reverted or its answer has another shape; `answers` are those to
        the `_calls`, if they were sent already. Answers after another block are requested again."""
        given = [answers] if answers is not None else []

        async def read_once() -> list[Any]:
            try:
                return await self._read_once(questions, block, given.pop() if given else None)
            except AnotherBlock as error:
                self._note(error)
                raise

        while True:
            try:
                return await retry_inconsistent(self._client, read_once)
            except AnotherBlock as error:
                if not self._block_check.leave_out():
                    raise
                logger.warning("contracts see other block numbers on this chain, so they show no block: %s", error)

    async def _read_once(
        self, questions: tuple[Question, ...], block: BlockReference, answers: Answers | None
    ) -> list[Any]:
        together = await self._has_multicall()
        found, headers = await self._answers(self._state_calls(questions, block, together=together), block, answers)
        figures = self._read_together(questions, block, found) if together else None
        if figures is None:
            if together:
                found, headers = await self._answers(self._state_calls(questions, block, together=False), block, None)
            figures = [
                None if _reverted(answer) else _decoded(view, _available(answer))
                for (view, _), answer in zip(questions, found, strict=True)
            ]
        for header in headers:
            check_header(block, header)
        return figures

    async def _answers(
        self, calls: list[Call], block: BlockReference, given: Answers | None
    ) -> tuple[Answers, Answers]:
        """The answers to calls of the state, and to the call for the block's header where one is needed; the `given`
        ones are incomplete if the node has refused the block's hash only then."""
        found = given
        while found is None or len(found) < len(calls) + len(self._header_call(block)):
            found = await self._client.batch([*calls, *self._header_call(block)], _HEX_OR_HEADER)
        return found[: len(calls)], found[len(calls) :]

    def _note(self, error: AnotherBlock) -> None:
        FOREIGN_STATES.inc()
        if not self._warned:
            logger.warning("%s; it is asked again, which the metric node_foreign_states counts from now on", error)
        self._warned = True

    async def _calls(self, questions: tuple[Question, ...], block: BlockReference) -> list[Call]:
        together = await self._has_multicall()
        return [*self._state_calls(questions, block, together=together), *self._header_call(block)]

    def _header_call(self, block: BlockReference) -> list[Call]:
        """The call that checks, with a state that may be requested by number, that the block has the expected hash."""
        if not (isinstance(block, Header) and self._client.asks_by_number):
            return []
        return [("eth_getBlockByNumber", [hex(block.number), False])]

    def _state_calls(self, questions: tuple[Question, ...], block: BlockReference, *, together: bool) -> list[Call]:
        param = block_param(block)
        if together:
            return [("eth_call", [{"to": MULTICALL3, "data": data}, param]) for data in self._aggregated(questions)]
        return [
            ("eth_call", [{"to": self._contracts[view.contract], "data": _calldata(view, argument)}, param])
            for view, argument in questions
        ]

    def _read_together(
        self, questions: Sequence[Question], block: BlockReference, answers: Answers
    ) -> list[Any] | None:
        """What the views returned, by Multicall3's answers; None where it was not deployed yet, or where one of them is
        larger than the node sends. Raises AnotherBlock."""
        found: list[tuple[bool, str]] = []
        for answer in answers:
            if isinstance(answer, TooLarge) or (text := _available(answer)) == "0x":
                return None
            try:
                results = multicall_results(text)
            except ValueError as error:
                raise StateUnavailable(f"Multicall3 answers in another shape: {error}") from error
            of_block = len(MulticallBlockCheck.CALLS)
            if len(results) > of_block:
                self._block_check.check(block, results[:of_block])
            found += results[of_block:]
        if len(found) != len(questions):
            raise StateUnavailable(f"Multicall3 gives {len(found)} answers to {len(questions)} questions")
        return [
            _decoded(view, answer) if success else None
            for (view, _), (success, answer) in zip(questions, found, strict=True)
        ]

    async def _has_multicall(self) -> bool:
        if self._multicall is None:
            (code,) = await self._client.batch([("eth_getCode", [MULTICALL3, "latest"])], str)
            self._multicall = isinstance(code, str) and len(code) > 2
        return self._multicall

    def _aggregate(self, questions: tuple[Question, ...]) -> list[str]:
        """The calldata of the Multicall3 calls that ask these questions, each preceded by the check of the block."""
        checks = [(MULTICALL3, data.hex()) for data in MulticallBlockCheck.CALLS]
        calls = [(self._contracts[view.contract], _calldata(view, argument)[2:]) for view, argument in questions]
        return [
            multicall_calldata([*checks, *calls[start : start + MAX_VIEWS]])
            for start in range(0, len(calls), MAX_VIEWS)
        ]


def _name(block: BlockReference) -> str:
    return f"{block.number} ({block.hash})" if isinstance(block, Header) else str(block)


def _calldata(view: View, argument: Any) -> str:
    return view.calldata() if argument is None else view.calldata(argument)


def _reverted(answer: HexOrHeader) -> bool:
    return isinstance(answer, RpcError) and "revert" in answer.message


def _available(answer: HexOrHeader) -> str:
    if isinstance(answer, str):
        return answer
    raise StateMissing(answer.message if isinstance(answer, RpcError) else "eth_call: no result")


@lru_cache(maxsize=4_096)
def _decoded(view: View, answer: str) -> tuple[Any, ...] | None:
    """None for an answer that is not the view's: `0x` where the contract, or its state, is not there."""
    try:
        return view.decode(answer)
    except ValueError:
        return None

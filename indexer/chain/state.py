"""The contracts' state after a block, read from a node: one call by Multicall3 where it is deployed, else a batch."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from eth_abi import abi
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from indexer.base.errors import GhostnetError
from indexer.chain.answers import Answers, Call
from indexer.chain.client import NodeClient
from indexer.chain.errors import RpcError
from indexer.chain.views import (
    BALANCE_OF,
    GET_LEVEL_CONFIG,
    GET_LEVEL_STATE,
    GET_POSITION,
    GET_SYSTEM_RESET,
    GET_TOTAL_VALUE_LOCKED,
    PAUSED,
    TOTAL_SUPPLY,
    View,
)
from indexer.domain.levels import INITIAL_CONFIGS, LevelConfig
from indexer.domain.state import ContractState, LevelFigures, ResetFigures, watched_accounts
from indexer.domain.units import Address, Hash

MULTICALL3: Final = "0xca11bde05977b3631167028862be2a173976ca11"
"""Where Multicall3 stands on every chain that has it, MegaETH's networks included."""
MOST_VIEWS: Final = 250
"""Views in one Multicall3 call: far below the 60 M gas that MegaETH allows it."""

_AGGREGATE3: Final = "0x" + keccak(b"aggregate3((address,bool,bytes)[])").hex()[:8]
_LEVELS: Final = sorted(map(int, INITIAL_CONFIGS))

Block = Hash | int
"""A block by its hash, or, where it is finalized and its hash is not known, by its number."""
Question = tuple[View, Any]
"""A view with its argument, None for a view without one."""
_CLOSING: Final[tuple[Question, ...]] = (
    *((view, level) for level in _LEVELS for view in (GET_LEVEL_STATE, GET_LEVEL_CONFIG)),
    *((view, None) for view in (GET_SYSTEM_RESET, PAUSED, GET_TOTAL_VALUE_LOCKED, TOTAL_SUPPLY)),
)
"""What is asked about the end of every range, beside the balances of the deployment's own accounts."""


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
        self._aggregated = lru_cache(maxsize=8)(self._aggregate)

    async def closing_calls(self, block: Block) -> list[Call]:
        """The calls by which `state` reads the state after a block."""
        return await self._calls(self._closing, block)

    async def state(self, block: Block, answers: Answers | None = None) -> ContractState:
        """The state that closes a range of blocks; `answers` are those to the `closing_calls`, where they are there.

        Raises StateUnavailable, NodeUnreachable.
        """
        figures = await self._read(self._closing, block, answers)
        *levels, reset, paused, locked, supply = figures[: len(_CLOSING)]
        balances = zip(self._accounts, figures[len(_CLOSING) :], strict=True)
        if any(figure is None for figure in (*levels, reset, paused, locked)):
            raise StateUnavailable(f"GhostCore's views can't be read after block {block}")
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

    async def stakes(self, users: Sequence[Address], block: Block) -> list[int]:
        """The raw stakes of users in wei (`getPosition`), 0 without a position. Raises as `state`."""
        answers = await self._read(tuple((GET_POSITION, user) for user in users), block)
        if None in answers:
            raise StateUnavailable(f"getPosition can't be read after block {block}")
        return [answer[0] for answer in answers]

    async def _read(self, questions: tuple[Question, ...], block: Block, answers: Answers | None = None) -> list[Any]:
        """What the views returned, None where a call reverted or its answer has another shape; `answers` are those to
        the `_calls`, where they are there."""
        if answers is None:
            answers = await self._client.batch(await self._calls(questions, block), str)
        if await self._has_multicall():
            together = _read_together(questions, answers)
            if together is not None:
                return together
            answers = await self._client.batch(self._one_by_one(questions, block), str)
        return [
            None if _reverted(answer) else _decoded(view, _available(answer))
            for (view, _), answer in zip(questions, answers, strict=True)
        ]

    async def _calls(self, questions: tuple[Question, ...], block: Block) -> list[Call]:
        if not await self._has_multicall():
            return self._one_by_one(questions, block)
        return [("eth_call", [{"to": MULTICALL3, "data": data}, _place(block)]) for data in self._aggregated(questions)]

    async def _has_multicall(self) -> bool:
        if self._multicall is None:
            (code,) = await self._client.batch([("eth_getCode", [MULTICALL3, "latest"])], str)
            self._multicall = isinstance(code, str) and len(code) > 2
        return self._multicall

    def _one_by_one(self, questions: tuple[Question, ...], block: Block) -> list[Call]:
        return [
            ("eth_call", [{"to": self._contracts[view.contract], "data": _calldata(view, argument)}, _place(block)])
            for view, argument in questions
        ]

    def _aggregate(self, questions: tuple[Question, ...]) -> list[str]:
        """The calldata of the Multicall3 calls that ask these questions."""
        calls = [
            (self._contracts[view.contract], True, bytes.fromhex(_calldata(view, argument)[2:]))
            for view, argument in questions
        ]
        return [
            _AGGREGATE3 + abi.encode(["(address,bool,bytes)[]"], [calls[start : start + MOST_VIEWS]]).hex()
            for start in range(0, len(calls), MOST_VIEWS)
        ]


def _place(block: Block) -> Any:
    """How a block is named in a call."""
    return {"blockHash": block} if isinstance(block, str) else hex(block)


def _read_together(questions: Sequence[Question], answers: Answers) -> list[Any] | None:
    """What the views returned, by Multicall3's answers; None where it was not deployed yet."""
    found: list[tuple[bool, str]] = []
    for answer in answers:
        text = _available(answer)
        if text == "0x":
            return None
        try:
            found += results_of(text)
        except ValueError as error:
            raise StateUnavailable(f"Multicall3 answers in another shape: {error}") from error
    if len(found) != len(questions):
        raise StateUnavailable(f"Multicall3 gives {len(found)} answers to {len(questions)} questions")
    return [
        _decoded(view, answer) if success else None
        for (view, _), (success, answer) in zip(questions, found, strict=True)
    ]


def results_of(answer: str) -> list[tuple[bool, str]]:
    """What `aggregate3` returned, `(bool success, bytes returnData)[]`: of each call whether it succeeded, and its
    result in hex. Raises ValueError if the answer is not shaped so.

    It runs with each block; eth_abi, which it is tested against, takes twenty times as long.
    """
    digits = answer[2:]

    def word(at: int) -> int:
        """The number at a place, in bytes."""
        found = digits[2 * at : 2 * at + 64]
        if len(found) < 64:
            raise ValueError(f"it ends before byte {at + 32}")
        return int(found, 16)

    start = word(0)
    count, first, found = word(start), start + 32, list[tuple[bool, str]]()
    if count > len(digits) // 64:
        raise ValueError(f"it can't hold {count} results")
    for at in (first + word(first + 32 * index) for index in range(count)):
        success, data = word(at), at + word(at + 32)
        size = word(data)
        result = digits[2 * (data + 32) : 2 * (data + 32 + size)]
        if success > 1 or len(result) != 2 * size:
            raise ValueError(f"the result at byte {at} is none")
        found.append((bool(success), "0x" + result))
    return found


def _calldata(view: View, argument: Any) -> str:
    return view.calldata() if argument is None else view.calldata(argument)


def _reverted(answer: str | RpcError | None) -> bool:
    return isinstance(answer, RpcError) and "revert" in answer.message


def _available(answer: str | RpcError | None) -> str:
    if isinstance(answer, str):
        return answer
    raise StateMissing(answer.message if answer is not None else "eth_call: no result")


@lru_cache(maxsize=4_096)
def _decoded(view: View, answer: str) -> tuple[Any, ...] | None:
    """None for an answer that is not the view's: `0x` where the contract, or its state, is not there."""
    try:
        return view.decode(answer)
    except (DecodingError, ValueError):
        return None

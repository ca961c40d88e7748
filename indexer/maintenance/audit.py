"""The audit: compares the indexed state after a block with the answers of the contracts' own views."""

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeGuard, TypeVar

from psycopg import Connection

from indexer.base.errors import GhostnetError
from indexer.base.stopping import run_until_stopped
from indexer.chain import views
from indexer.chain.answers import Call
from indexer.chain.block_reference import BlockReference, block_param
from indexer.chain.client import NodeClient
from indexer.chain.errors import RpcError
from indexer.chain.fetcher import RangeFetcher
from indexer.chain.proof import Proof
from indexer.chain.views import View
from indexer.domain.chain import Header
from indexer.maintenance.dump import dump_state
from indexer.store.checkpoint import StoredCheckpoint, read_checkpoint
from indexer.store.headers import stored_header

T = TypeVar("T")

PATIENCE_SECONDS: Final = 20.0
PLAYER_VIEWS: Final = (
    views.GET_POSITION,
    views.GET_PENDING_REWARDS,
    views.GET_EFFECTIVE_DEATH_RATE,
    views.GET_ACTIVE_BOOSTS,
)


@cache
def _reference() -> tuple[Any, type[Exception]]:
    """web3's decoder and its error: an audit reads the contracts' answers by other means than the indexer does.

    It is imported on its first use: only the audit needs it, and it takes a second.
    """
    from eth_abi.exceptions import DecodingError  # noqa: PLC0415 - see above
    from web3 import Web3  # noqa: PLC0415

    return Web3().codec.decode, DecodingError


class AuditImpossible(GhostnetError):
    """The node has no state of the contracts after that block."""

    help = (
        "Nodes keep the state of recent blocks only: audit at the head, or point GHOSTNET_RPC_URLS at an archive node."
    )


class OtherFork(AuditImpossible):
    """The node has another block at that height."""

    help = "Audit again once the indexer has followed the node's chain."


@dataclass(frozen=True, slots=True)
class ViewDifference:
    """A field whose indexed value is not what the contract returns; `key` names the call, as in `getPosition(0x…)`."""

    key: str
    field: str
    ours: Any
    theirs: Any

    def __str__(self) -> str:
        return f"{self.key} {self.field}: ours {self.ours}, theirs {self.theirs}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of an audit; `duration` in seconds.

    `unanswered` is the number of views that the node did not answer: its state of that block is gone, it refused, or
    the contract reverted."""

    block: int
    views_checked: int
    differences: Sequence[ViewDifference]
    duration: float
    unanswered: int = 0

    @property
    def outcome(self) -> str:
        """How many views were checked, and what came of it."""
        unanswered = f", {self.unanswered} not answered" if self.unanswered else ""
        return f"{self.views_checked} views{unanswered}, {len(self.differences)} differences"


@dataclass(frozen=True, slots=True)
class _Check:
    """A call of a view, and the values that it should return, in the order of its fields."""

    view: View
    arguments: tuple[Any, ...]
    ours: tuple[Any, ...]

    @property
    def key(self) -> str:
        name = self.view.signature.partition("(")[0]
        return f"{name}({', '.join(map(str, self.arguments))})"

    def differences(self, answer: str) -> Iterator[ViewDifference]:
        """The fields in which the view's answer differs."""
        decode, decoding_error = _reference()
        try:
            theirs = decode(self.view.results, bytes.fromhex(answer[2:]))
        except (decoding_error, ValueError):
            yield ViewDifference(self.key, "answer", self.ours, answer)
            return
        for field, our_value, their_value in zip(self.view.fields, self.ours, theirs, strict=True):
            if our_value != their_value:
                yield ViewDifference(self.key, field, our_value, their_value)


def audit(
    connection: Connection[Any],
    rpc_urls: Sequence[str],
    at_block: int | None = None,
    sample: int | None = None,
    stop: threading.Event | None = None,
) -> AuditReport:
    """Compare the state after a block (None: the checkpoint) with the contracts' views, as the node answers them.

    `sample` limits players, accounts, rounds and bets to so many of each, drawn at random; None checks all. A view that
    differs is asked for again, since one of a node's machines may give the state of another block. Raises
    NothingIndexed or BlockNotIndexed, AuditImpossible if the node answers none of them, NodeUnreachable, and
    Interrupted once `stop` is set while the node is asked.
    """
    started = time.monotonic()
    state = dump_state(connection, at_block)
    block = state["block"]
    header = stored_header(connection, block)
    checkpoint, checks = read_checkpoint(connection), list(_checks(state, sample))
    stop = stop or threading.Event()

    def ask(checks: Sequence[_Check]) -> list[str | RpcError | None]:
        return run_until_stopped(_call_views(rpc_urls, checkpoint, header or block, checks), stop)

    answers = ask(checks)
    answered = [(check, answer) for check, answer in zip(checks, answers, strict=True) if _is_answer(answer)]
    if not answered and answers:
        why = next((answer.message for answer in answers if isinstance(answer, RpcError)), "every answer is empty")
        raise AuditImpossible(f"the node has no state after block {block}: {why}")
    differing = [(check, answer) for check, answer in answered if any(check.differences(answer))]
    again = ask([check for check, _ in differing]) if differing else []
    found = [
        difference
        for (check, answer), second in zip(differing, again, strict=True)
        for difference in check.differences(second if _is_answer(second) else answer)
    ]
    unanswered = len(checks) - len(answered)
    return AuditReport(block, len(answered), found, time.monotonic() - started, unanswered)


def _is_answer(answer: str | RpcError | None) -> TypeGuard[str]:
    """Whether a node answered with what a contract returned. Some nodes answer `0x` for state that is gone; none of the
    views reverts for these arguments, so a revert is no evidence about the game."""
    return isinstance(answer, str) and answer not in ("0x", "")


async def _call_views(
    rpc_urls: Sequence[str], checkpoint: StoredCheckpoint, reference: BlockReference, checks: Sequence[_Check]
) -> list[str | RpcError | None]:
    """The views' answers after a block. Raises OtherFork if the node has another block at that height."""
    contracts, block = checkpoint.contracts, reference.number if isinstance(reference, Header) else reference
    calls: list[Call] = [
        (
            "eth_call",
            [
                {"to": contracts[check.view.contract], "data": check.view.calldata(*check.arguments)},
                block_param(reference),
            ],
        )
        for check in checks
    ]
    async with NodeClient(rpc_urls, PATIENCE_SECONDS, Proof(checkpoint.chain_id)) as client:
        answers = await client.batch(calls, str)
        (header,) = await RangeFetcher(client, contracts).headers([block])
    if header is None:
        raise AuditImpossible(f"the node does not know block {block}")
    if isinstance(reference, Header) and header.hash != reference.hash:
        raise OtherFork(f"the node's block {block} is {header.hash}, ours is {reference.hash}")
    return answers


def _checks(state: Mapping[str, Any], sample: int | None) -> Iterator[_Check]:
    """Every view to call about a dumped state."""
    for address, player in _some(state["players"].items(), sample):
        for view in PLAYER_VIEWS:
            yield _check(view, player, address)
    for number, level in state["levels"].items():
        yield _check(views.GET_LEVEL_STATE, level, int(number))
        yield _check(views.GET_LEVEL_CONFIG, level["config"], int(number))
    yield _check(views.GET_SYSTEM_RESET, state["systemReset"])
    yield _check(views.GET_TOTAL_VALUE_LOCKED, state)
    yield _check(views.TOTAL_SUPPLY, state)
    yield _check(views.ROUND_COUNT, {"roundCount": len(state["rounds"])})
    for number, round_ in _some(state["rounds"].items(), sample):
        yield _check(views.GET_ROUND, round_, int(number))
    for bet in _some(state["bets"], sample):
        yield _check(views.GET_BET, bet, bet["roundId"], bet["user"])
    for address, balance in _some(state["balances"].items(), sample):
        yield _check(views.BALANCE_OF, {"balance": balance}, address)


def _check(view: View, values: Mapping[str, Any], *arguments: Any) -> _Check:
    ours = (_comparable(values[field], kind) for field, kind in zip(view.fields, view.results, strict=True))
    return _Check(view, arguments, tuple(ours))


def _comparable(value: Any, abi_type: str) -> Any:
    """A dumped value as the ABI's decoder gives it: amounts are dumped as decimal strings, boosts as objects."""
    if abi_type.endswith("[]"):
        return tuple(tuple(item.values()) for item in value)
    return int(value) if isinstance(value, str) and abi_type != "address" else value


def _some(items: Iterable[T], sample: int | None) -> Sequence[T]:
    every = list(items)
    return every if sample is None or sample >= len(every) else random.sample(every, sample)

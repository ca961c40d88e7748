"""Refusals in the wordings of real providers: each is classified by its meaning."""

import csv

import pytest

from indexer.chain.errors import (
    NodeError,
    Pruned,
    RangeTooLarge,
    RateLimited,
    TooLarge,
    Unavailable,
    UnknownBlock,
    rpc_error,
)
from tests.paths import FIXTURES

WORDINGS = list(csv.DictReader((FIXTURES / "node_refusals.tsv").read_text().splitlines(), delimiter="\t"))
MEANINGS: dict[str, type[NodeError]] = {
    "range": RangeTooLarge,
    "rate": RateLimited,
    "away": Unavailable,
    "pruned": Pruned,
}


@pytest.mark.parametrize("wording", WORDINGS, ids=[wording["message"][:40] for wording in WORDINGS])
def test_a_refusal_of_a_range_is_taken_for_what_it_means(wording: dict[str, str]) -> None:
    error = rpc_error("eth_getLogs", {"code": int(wording["code"]), "message": wording["message"]})
    assert type(error) is MEANINGS[wording["meaning"]]


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-32020, "backend response too large", TooLarge),
        (-32021, "over network traffic limit, retry in 3 seconds", RateLimited),
        (-32022, "over compute unit limit, retry in 12 seconds", RateLimited),
        (-32019, "block is out of range", UnknownBlock),
        (-32000, "permanent error forwarding request context deadline exceeded", Unavailable),
        (-32000, "rabbit hole is full", RateLimited),
    ],
)
def test_megaeth_s_errors_are_known_for_calls_of_any_method(code: int, message: str, kind: type[NodeError]) -> None:
    assert type(rpc_error("eth_getBlockByNumber", {"code": code, "message": message})) is kind


@pytest.mark.parametrize(
    "message",
    [
        "historical state 3e561c318217bf0d41c50ebb6119de1aa44ec7bec4d846cff83b91f77b4caaca is not available",
        "historical state is not available",
        "missing trie node 66 (path ) state 0x66 is not available",
    ],
)
def test_go_ethereum_s_words_for_state_that_is_gone_are_known(message: str) -> None:
    assert type(rpc_error("eth_call", {"code": -32000, "message": message})) is Pruned


def test_a_refusal_that_says_how_long_to_wait_is_believed() -> None:
    error = rpc_error("eth_call", {"code": -32022, "message": "over compute unit limit, retry in 12 seconds"})
    assert isinstance(error, RateLimited)
    assert error.retry_after == 12

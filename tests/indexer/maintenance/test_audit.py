"""The audit against the contracts' recorded views: at a block where the truth is known."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from psycopg import Connection

from indexer.chain.errors import WrongChain
from indexer.maintenance.audit import AuditImpossible, OtherFork, audit
from indexer.replay.recording import RecordedBlock
from indexer.replay.refusal import Refusal
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from indexer.store.claim import Claim
from indexer.store.rollback import roll_back
from tests.demos import free_port
from tests.filling import fill
from tests.processes import indexer, run_command
from tests.rows import fetch_one

BLOCK, EARLIER = 314, 137


@pytest.fixture
def node(season: list[RecordedBlock], truth: Truth) -> Iterator[ReplayServer]:
    with ReplayServer(season, ReplayOptions(head=BLOCK), truth) as server:
        yield server


@pytest.fixture
def indexed(connection: Connection[Any]) -> Connection[Any]:
    fill(connection, BLOCK)
    return connection


def test_nothing_differs_from_the_contracts_own_views(
    indexed: Connection[Any], node: ReplayServer, truth: Truth
) -> None:
    report = audit(indexed, [node.url])
    assert report.differences == []
    players = fetch_one(indexed, "SELECT count(*) FROM current_positions")
    bets = fetch_one(indexed, "SELECT count(*) FROM current_bets")
    assert report.views_checked > 4 * players + bets > 300
    assert report.block == BLOCK
    assert audit(indexed, [node.url], EARLIER).differences == []


CHANGES = (
    ("UPDATE current_positions SET amount = amount + 1 WHERE status = 'alive'", "getPosition", "amount"),
    ("UPDATE current_positions SET reward_debt = 0", "getPendingRewards", "pendingRewards"),
    ("UPDATE current_positions SET streak_base = streak_base - 1", "getPosition", "ghostStreak"),
    ("UPDATE boosts SET value_bps = value_bps + 1", "getActiveBoosts", "activeBoosts"),
    ("UPDATE current_levels SET min_stake = 1 WHERE level = 3", "getLevelConfig(3)", "minStake"),
    ("UPDATE current_levels SET next_scan_time = 1 WHERE level = 2", "getLevelState(2)", "nextScanTime"),
    ("UPDATE current_protocol SET reset_epoch = 77", "getSystemReset()", "epoch"),
    ("UPDATE current_protocol SET total_supply = 1", "totalSupply()", "totalSupply"),
    ("UPDATE current_rounds SET outcome = NOT outcome", "getRound", "outcome"),
    ("UPDATE current_bets SET claimed = NOT claimed", "getBet", "claimed"),
    ("UPDATE account_totals SET balance = balance + 1", "balanceOf", "balance"),
    ("UPDATE current_levels SET total_staked = 5 WHERE level = 1", "getTotalValueLocked()", "totalValueLocked"),
)


def test_whatever_differs_is_named(indexed: Connection[Any], node: ReplayServer) -> None:
    for change, key, field in CHANGES:
        table = change.split()[1]
        indexed.execute(f"CREATE TEMPORARY TABLE saved AS TABLE {table}")
        indexed.execute(change)
        found = audit(indexed, [node.url]).differences
        assert any(difference.key.startswith(key) and difference.field == field for difference in found), change
        indexed.execute(f"DELETE FROM {table}")
        indexed.execute(f"INSERT INTO {table} SELECT * FROM saved")
        indexed.execute("DROP TABLE saved")
    assert audit(indexed, [node.url]).differences == []


def test_a_sample_asks_less(indexed: Connection[Any], node: ReplayServer) -> None:
    report = audit(indexed, [node.url], sample=3)
    assert report.views_checked == 3 * 4 + 5 * 2 + 4 + 3 + 3 + 3
    assert report.differences == []


def test_a_node_without_that_state_is_no_difference(indexed: Connection[Any], node: ReplayServer) -> None:
    with pytest.raises(AuditImpossible, match=r"has no state after block 200: .*missing trie node"):
        audit(indexed, [node.url], 200)


@pytest.mark.parametrize("gone", ["refused", "empty", "reverted"])
def test_views_that_a_node_does_not_answer_are_no_differences(
    indexed: Connection[Any], season: list[RecordedBlock], truth: Truth, gone: str
) -> None:
    """One of the machines behind its address has lost that state."""
    with HalfPrunedServer(season, ReplayOptions(head=BLOCK), truth) as server:
        server.gone = gone
        report = audit(indexed, [server.url])
        assert report.differences == []
        assert report.views_checked > 100
        assert f", {report.unanswered} not answered, 0 differences" in report.outcome
        server.keeps = 0
        with pytest.raises(AuditImpossible, match="no state after block"):
            audit(indexed, [server.url])


class HalfPrunedServer(ReplayServer):
    """A node that answers one of so many calls of views (0: none); the others not, each in the way of `gone`."""

    gone, keeps, calls = "", 2, 0

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        self.calls += method == "eth_call"
        if method == "eth_call" and not (self.keeps and self.calls % self.keeps == 0):
            if self.gone == "refused":
                raise Refusal(-32000, "missing trie node")
            if self.gone == "reverted":
                raise Refusal(3, "execution reverted")
            return b'"0x"'
        return super()._result(method, params, socket)


def test_a_view_of_another_block_is_asked_for_again(
    indexed: Connection[Any], season: list[RecordedBlock], truth: Truth
) -> None:
    """And by the hash of the block, where its header is stored."""
    with DistractedServer(season, ReplayOptions(head=BLOCK), truth) as server:
        assert audit(indexed, [server.url]).differences == []
        assert server.wrong == 0
        assert server.places == {str({"blockHash": season[BLOCK].hash})}
        indexed.execute("DELETE FROM blocks")
        assert audit(indexed, [server.url]).differences == []
        assert hex(BLOCK) in server.places


class DistractedServer(ReplayServer):
    """A node one of whose machines gives so many views as of an earlier block."""

    wrong = 40

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.places: set[str] = set()

    def _result(self, method: str, params: Sequence[Any], socket: Any) -> bytes:
        if method == "eth_call":
            self.places.add(str(params[1]))
            if self.wrong:
                self.wrong -= 1
                return super()._result(method, [params[0], hex(EARLIER)], socket)
        return super()._result(method, params, socket)


def test_a_node_on_another_fork_is_no_difference(indexed: Connection[Any], node: ReplayServer) -> None:
    node.reorg(3)
    with pytest.raises(OtherFork):
        audit(indexed, [node.url])


def test_a_node_of_another_chain_is_not_asked(
    indexed: Connection[Any], node: ReplayServer, season: list[RecordedBlock], truth: Truth
) -> None:
    with ReplayServer(season, ReplayOptions(chain_id=1, head=BLOCK), truth) as stranger:
        with pytest.raises(WrongChain):
            audit(indexed, [stranger.url], sample=1)
        assert not audit(indexed, [stranger.url, node.url], sample=1).differences
        assert "eth_call" not in stranger.status()["methods"]


def test_the_command_prints_each_difference_and_fails(
    database: str, indexed: Connection[Any], node: ReplayServer, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a process once each way; in this process otherwise, which has imported web3 already."""
    settings.GHOSTNET = settings.GHOSTNET.model_copy(update={"rpc_urls": (node.url,)})
    call_command("audit_state", "--sample", "5")
    clean = capsys.readouterr().out
    assert f"block {BLOCK}: " in clean
    assert " 0 differences" in clean
    address, amount = indexed.execute(
        "UPDATE current_positions SET amount = amount + 1 WHERE id = (SELECT max(id) FROM current_positions WHERE"
        " status = 'alive') RETURNING '0x' || encode(address, 'hex'), amount"
    ).fetchone() or ("", 0)
    wrong = run_command(database, node.url, "audit_state", "--at-block", str(BLOCK))
    assert wrong.returncode == 1
    assert fetch_one(indexed, "SELECT count(*) FROM alarms") == 0
    with pytest.raises(CommandError):
        call_command("audit_state")
    assert fetch_one(indexed, "SELECT count(*) FROM alarms") == 1
    indexed.execute(
        "UPDATE current_positions SET amount = amount - 1 WHERE amount = %s AND status = 'alive'", (amount,)
    )
    right = run_command(database, node.url, "audit_state", "--sample", "5")
    assert right.returncode == 0, right.stderr
    assert fetch_one(indexed, "SELECT count(*) FROM alarms") == 0
    assert f"getPosition({address}) amount: ours {amount}, theirs {amount - 1}" in wrong.stdout
    assert "Traceback" not in wrong.stderr


def test_the_indexer_audits_itself_and_raises_an_alarm(
    database: str, indexed: Connection[Any], node: ReplayServer
) -> None:
    """It goes on from one block below the audited one, so that the head is a block whose truth is recorded."""
    port = str(free_port())
    roll_back(Claim(indexed).take(), BLOCK - 1)
    indexed.execute("UPDATE boosts SET value_bps = value_bps + 1")
    environment = {"GHOSTNET_AUDIT_EVERY": "1", "GHOSTNET_AUDIT_SAMPLE": "1000", "GHOSTNET_METRICS_PORT": port}
    with indexer(database, node.url, **environment) as process:
        metrics = await_metric(port, "indexer_audit_differences")
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert metrics["indexer_audit_differences"] > 0
    assert metrics['indexer_alarm{kind="audit"}'] == 1
    assert metrics["indexer_indexed_block"] == BLOCK
    assert metrics["indexer_blocks_processed_total"] == 1
    assert "getActiveBoosts" in said
    assert f"differences at block {BLOCK}" in fetch_one(indexed, "SELECT message FROM alarms WHERE kind = 'audit'")
    block, differences = indexed.execute("SELECT block_number, differences FROM audits").fetchone() or (0, 0)
    assert (block, differences) == (BLOCK, metrics["indexer_audit_differences"])


def await_metric(port: str, name: str) -> dict[str, float]:
    """The indexer's metrics once this one is above zero."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            lines = []
        metrics = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}
        if metrics.get(name):
            return metrics
        asyncio.run(asyncio.sleep(0.1))
    raise AssertionError(f"{name} stayed 0: {json.dumps(metrics, indent=1)}")

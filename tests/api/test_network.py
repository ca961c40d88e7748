"""`/network`: the game's vitals in one answer."""

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.db.transaction import atomic, set_rollback

from indexer import models
from indexer.domain.units import block_of
from indexer.replay.truth import Truth
from indexer.selectors.peak import KEPT_BELOW_HEAD, most_players
from indexer.selectors.snapshot import IndexedBlock, snapshot
from tests.databases import default_database
from tests.web import WebClient


@pytest.fixture(scope="module")
def vitals(client: WebClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/network").json()
    return found


@pytest.fixture
def block(indexed_season: str, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), default_database(indexed_season), snapshot() as found:
        yield found


def test_levels_and_reset_are_the_contract_s(vitals: dict[str, Any], truth: Truth) -> None:
    state = truth.checkpoints["1007"]
    assert vitals["total_value_locked"] == state["totalValueLocked"]
    assert vitals["players"] == sum(level["aliveCount"] for level in state["levels"].values())
    assert len(vitals["levels"]) == 5
    for level in vitals["levels"]:
        expected = state["levels"][str(level["level"])]
        config = expected["config"]
        assert (level["total_staked"], level["players"]) == (expected["totalStaked"], expected["aliveCount"])
        assert (level["min_stake"], level["max_positions"]) == (config["minStake"], config["maxPositions"])
        assert level["free_places"] == config["maxPositions"] - expected["aliveCount"]
        assert (level["death_rate_bps"], level["scan_interval_seconds"]) == (
            config["baseDeathRateBps"],
            config["scanInterval"],
        )
        scans = [one["scanId"] for one in truth.document["scans"] if one["level"] == level["level"]]
        assert level["last_scan_id"] == max(scans)
    assert vitals["reset"]["last_depositor"].lower() == state["systemReset"]["lastDepositor"]
    assert (vitals["reset"]["epoch"], vitals["reset"]["penalty_bps"]) == (5, 2500)


def test_the_last_hour_ends_with_the_indexed_block(vitals: dict[str, Any], block: IndexedBlock) -> None:
    def flow(rows: Any, column: str, sign: int = 1) -> dict[str, Any]:
        return {"count": rows.count(), "amount": str(sign * int(rows.aggregate(sum=Sum(column))["sum"] or 0))}

    since = block.block_time - timedelta(hours=1)
    moves = models.Position.objects.filter(block_time__gt=since)
    hour = vitals["last_hour"]
    assert hour["entries"] == flow(moves.filter(action="jacked_in"), "amount_change")
    assert hour["additions"] == flow(moves.filter(action="stake_added"), "amount_change")
    assert hour["exits"] == flow(moves.filter(action__in=["extracted", "emergency_withdrawn"]), "amount_change", -1)
    assert hour["culled"] == flow(models.Culling.objects.filter(block_time__gt=since), "amount")
    assert hour["deaths"] == flow(models.Death.objects.filter(block_time__gt=since), "amount")
    taxes = models.ChainEvent.objects.filter(block_time__gt=since, name="TaxBurned").values_list("args", flat=True)
    burned = sum(int(args["amount"]) for args in taxes)
    for model, column in (
        (models.Scan, "burned"),
        (models.Culling, "burned"),
        (models.SystemReset, "burned"),
        (models.Round, "burned"),
        (models.Buyback, "data_burned"),
    ):
        found = model.objects.filter(block_time__gt=since).values_list(column, flat=True)
        burned += sum(int(amount) for amount in found if amount is not None)
    assert hour["burned"] == str(burned) != "0"


def test_the_most_players_are_those_of_the_fullest_block(vitals: dict[str, Any], block: IndexedBlock) -> None:
    alive: Counter[int] = Counter()
    totals: dict[int, int] = defaultdict(int)
    for row_id, level, count in models.LevelState.objects.order_by("id").values_list("id", "level", "alive_count"):
        alive[level] = count
        totals[row_id >> 23] = alive.total()
    assert vitals["players_high"] == max(totals.values()) > vitals["players"]
    assert [most_players(block) for _ in range(2)] == [max(totals.values())] * 2


def test_the_most_players_are_found_again_after_a_reorg_below_what_was_kept(
    indexed_season: str, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), default_database(indexed_season):
        with snapshot() as block:
            assert block is not None
            most = most_players(block)
        with atomic():
            first = models.LevelState.objects.earliest("id")
            start = block_of(first.id)
            assert start < block.block_number - KEPT_BELOW_HEAD
            models.LevelState.objects.filter(id=first.id).update(alive_count=first.alive_count + 1_000)
            assert most_players(block) == most, "what is settled is not read again"
            models.Reorg.objects.create(
                ancestor_number=start,
                ancestor_hash=block.block_hash,
                dropped_head=block.block_number,
                dropped_hashes=[],
                new_hashes=[],
                depth=block.block_number - start,
                rows_undone=1,
                duration_ms=1,
            )
            assert [most_players(block) >= 1_000 > most for _ in range(2)] == [True, True]
            set_rollback(True)
        assert most_players(block) == most

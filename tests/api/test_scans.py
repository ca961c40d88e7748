"""Scans and deaths, against the season's truth."""

from typing import Any

import pytest

from indexer.domain.levels import LevelId
from indexer.replay.truth import Truth
from tests.api.answers import items_of
from tests.web import WebClient


def expected_death(death: dict[str, Any]) -> tuple[Any, ...]:
    return (death["user"], death["level"], death["scanId"], death["amount"], death["streak"], death["block"])


def served_death(death: dict[str, Any]) -> tuple[Any, ...]:
    return (
        death["address"].lower(),
        death["level"],
        death["scan_id"],
        death["amount"],
        death["streak"],
        death["block"],
    )


@pytest.mark.parametrize("limit", [7, 100])
def test_all_scans_by_pages(client: WebClient, truth: Truth, limit: int) -> None:
    scans = items_of(client, "/scans", limit)
    expected = sorted(truth.document["scans"], key=lambda scan: -scan["scanId"])
    assert [
        (scan["scan_id"], scan["level"], scan["seed"], scan["death_count"], scan["total_dead"], scan["batches"])
        for scan in scans
    ] == [
        (scan["scanId"], scan["level"], scan["seed"], scan["deathCount"], scan["totalDead"], scan["batches"])
        for scan in expected
    ]


def test_scans_of_a_level_by_number_and_by_name(client: WebClient, truth: Truth) -> None:
    for level in LevelId:
        if level:
            expected = [scan["scanId"] for scan in truth.document["scans"] if scan["level"] == level]
            for text in (level.value, level.name):
                found = items_of(client, f"/scans?level={text}", 10)
                assert [scan["scan_id"] for scan in found] == sorted(expected, reverse=True)


def test_a_scan_with_its_cascade_and_its_dead(client: WebClient, truth: Truth) -> None:
    for scan in truth.document["scans"][::10]:
        path = f"/scans/{LevelId(scan['level']).name}/{scan['scanId']}"
        served = client.get(f"/api/v1{path}").json()
        assert served["scan_id"] == scan["scanId"]
        cascade = served["cascade"]
        assert (cascade is not None) == (scan["deathCount"] > 0)
        if cascade:
            parts = ("same_level", "upstream", "burn", "protocol")
            assert sum(int(cascade[part]) for part in parts) == int(scan["totalDead"])
        dead = [expected_death(death) for death in truth.document["deaths"] if death["scanId"] == scan["scanId"]]
        assert sorted(served_death(death) for death in items_of(client, f"{path}/deaths", 2)) == sorted(dead)


def test_all_deaths_by_pages_and_by_player(client: WebClient, truth: Truth) -> None:
    every = sorted(expected_death(death) for death in truth.document["deaths"])
    assert sorted(served_death(death) for death in items_of(client, "/deaths", 13)) == every
    assert sorted(served_death(death) for death in items_of(client, "/deaths?level=5", 100)) == [
        death for death in every if death[1] == 5
    ]
    player = every[0][0]
    served = items_of(client, f"/deaths/{player}", 1)
    assert sorted(served_death(death) for death in served) == [death for death in every if death[0] == player]


def test_the_next_scan_is_the_contract_s(client: WebClient, truth: Truth) -> None:
    state = truth.checkpoints["1007"]
    for number, level in state["levels"].items():
        served = client.get(f"/api/v1/scans/{number}/next").json()
        assert served["seconds_remaining"] == max(0, level["nextScanTime"] - state["timestamp"])


@pytest.mark.parametrize(
    "path", ["/scans/4/99999", "/scans/2/1", "/scans/4/99999/deaths", "/rounds/9999", "/rounds/9999/odds"]
)
def test_what_does_not_exist_is_not_found(client: WebClient, path: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert "no " in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/scans?level=6", "level"),
        ("/scans?level=darknet", "level"),
        ("/scans?limit=101", "limit"),
        ("/scans/0/next", "level"),
        ("/scans/4/0", "scan_id"),
        ("/deaths?cursor=!!!", "cursor"),
        ("/deaths?cursor=WyJpZCJd", "cursor"),
        ("/deaths?cursor=W10", "cursor"),
        ("/deaths?cursor=WyJzY2FuX2lkIiwiMTIiXQ", "cursor"),
        ("/deaths/0xzz", "address"),
        ("/rounds?type=boxing", "type"),
        ("/rounds/one", "round_id"),
    ],
)
def test_bad_input_is_named(client: WebClient, path: str, parameter: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 422, answer.content
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]

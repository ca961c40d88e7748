"""Reading the environment: every mistake is named, with what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from ghostnet.environment import BadEnvironment, Environment
from tests.paths import PROJECT, SEASON_DEPLOYMENT


def test_nothing_needs_to_be_set() -> None:
    environment = Environment.read({})
    assert environment.database_url is None
    assert environment.reorg_depth == 64
    assert environment.deployment.chain_id == 6343
    assert environment.data_dir == PROJECT / ".ghostnet"


def test_nodes_are_kept_in_order_of_preference() -> None:
    environment = Environment.read({"GHOSTNET_RPC_URLS": " http://a:1 , https://b/key ", "GHOSTNET_REORG_DEPTH": "12"})
    assert environment.rpc_urls == ("http://a:1", "https://b/key")
    assert environment.reorg_depth == 12


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://x", "starts with postgres://"),
        ("GHOSTNET_RPC_URLS", "localhost:8545", "starts with http:// or https://"),
        ("GHOSTNET_RPC_WS_URL", "http://x", "starts with ws:// or wss://"),
        ("GHOSTNET_REORG_DEPTH", "deep", "not a whole number"),
        ("GHOSTNET_REORG_DEPTH", "0", "from 1 to"),
        ("GHOSTNET_POLL_INTERVAL", "-1", "not a number"),
        ("GHOSTNET_LOG_LEVEL", "LOUD", "none of DEBUG, INFO"),
        ("GHOSTNET_DEPLOYMENT", "/nowhere.json", "can't be read"),
        ("DJANGO_DEBUG", "perhaps", "none of true, false"),
        ("DJANGO_SECRET_KEY", "short", "at least 50"),
    ],
)
def test_a_bad_value_is_named_with_its_variable(name: str, value: str, says: str) -> None:
    with pytest.raises(BadEnvironment) as raised:
        Environment.read({name: value})
    assert f"{name}: " in str(raised.value)
    assert says in str(raised.value)
    assert ".env.example" in str(raised.value)


def test_only_production_makes_demands_and_nothing_shows_secrets() -> None:
    unset = Environment.read({"DATABASE_URL": "postgres://ghostnet:hush-hush-hush@db/ghostnet"})
    assert (unset.debug, unset.https, unset.secret_key) == (False, False, None)
    assert "hush" not in repr(unset)
    production = Environment.read({"DJANGO_DEBUG": "false", "DJANGO_SECRET_KEY": "hush" * 20})
    assert (production.debug, production.https) == (False, True)
    assert "hush" not in repr(production)
    with pytest.raises(BadEnvironment, match="DJANGO_SECRET_KEY is not set"):
        Environment.read({"DJANGO_DEBUG": "false"})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(BadEnvironment) as raised:
        Environment.read({"GHOSTNET_REORG_DEPTH": "x", "GHOSTNET_RPC_URLS": "y", "DJANGO_DEBUG": "false"})
    assert len(raised.value.message.splitlines()) == 3


def deployment(change: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SEASON_DEPLOYMENT.read_text())
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: document.pop("chain_id"), "exactly the keys"),
        (lambda document: document.update(extra=1), "exactly the keys"),
        (lambda document: document.update(chain_id="6343"), "whole numbers"),
        (lambda document: document.update(start_block=-1), "whole numbers"),
        (lambda document: document["contracts"].pop("DeadPool"), "must name exactly"),
        (
            lambda document: document["contracts"].update(DeadPool="0x12"),
            "contracts.DeadPool: '0x12' is not an address",
        ),
        (lambda document: document["contracts"].update(DeadPool="0x" + "0" * 40), "zero address"),
        (
            lambda document: document["contracts"].update(DeadPool=document["contracts"]["GhostCore"]),
            "same address",
        ),
        (
            lambda document: document["contracts"].update(DeadPool="0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
            "wrong checksum",
        ),
    ],
)
def test_a_bad_deployment_is_refused_with_the_place(tmp_path: Path, change: Any, says: str) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(deployment(change)))
    with pytest.raises(BadEnvironment, match=re.escape(says)):
        Environment.read({"GHOSTNET_DEPLOYMENT": str(path)})


def test_checksummed_addresses_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    path.write_text(json.dumps(deployment(lambda document: document["contracts"].update(DeadPool=address))))
    read = Environment.read({"GHOSTNET_DEPLOYMENT": str(path)})
    assert read.deployment.contracts["DeadPool"] == address.lower()


def test_every_variable_is_explained_in_the_example() -> None:
    read = set(re.findall(r'reader\.read\("(\w+)"', (PROJECT / "ghostnet" / "environment.py").read_text()))
    explained = set(re.findall(r"^#?\s?(\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    assert explained == read


def test_headers_must_reach_as_deep_as_reorgs() -> None:
    environment = Environment.read({"GHOSTNET_REORG_DEPTH": "500", "GHOSTNET_HEADERS_KEPT": "64"})
    with override_settings(GHOSTNET=environment):
        assert [message.id for message in run_checks()] == ["ghostnet.E001"]

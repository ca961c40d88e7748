"""Reading the environment: every mistake is reported, with what to do."""

import json
import os
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ghostnet.environment import BadEnvironment, Environment
from tests.forks import Fork
from tests.paths import PROJECT, SEASON_DEPLOYMENT
from tests.processes import environment_of, run_command
from tests.web import NO_NODE


def read(variables: Mapping[str, str]) -> Environment:
    """The configuration of a process with these environment variables only."""
    with patch.dict(os.environ, variables, clear=True):
        return Environment.read()


def test_nothing_needs_to_be_set() -> None:
    environment = read({})
    assert environment.database_url is None
    assert environment.reorg_depth == 64
    assert environment.deployment.chain_id == 6343
    assert environment.data_dir == PROJECT / ".ghostnet"


def test_nodes_are_kept_in_order_of_preference() -> None:
    environment = read({"GHOSTNET_RPC_URLS": " http://a:1 , https://b/key ", "GHOSTNET_REORG_DEPTH": "12"})
    assert environment.rpc_urls == ("http://a:1", "https://b/key")
    assert environment.reorg_depth == 12


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://x", "starts with postgres://"),
        ("DATABASE_URL", "postgres:///", "names no database"),
        ("DATABASE_URL", "postgres:///x?speed=high", 'option "speed"'),
        ("DATABASE_URL", "postgres:///x?connect_timeout=soon", "connect_timeout"),
        ("GHOSTNET_RPC_URLS", "http://x:99999", "port"),
        ("GHOSTNET_RPC_URLS", "http://x y", "blank"),
        ("GHOSTNET_RPC_URLS", "http://a..b", "host"),
        ("GHOSTNET_RPC_WS_URL", f"ws://{'a' * 64}.example", "host"),
        ("GHOSTNET_RPC_URLS", "http://a%3Ab:c@x", "user"),
        ("GHOSTNET_DATA_DIR", "~no-such-user/x", "no user's"),
        ("GHOSTNET_RPC_URLS", "localhost:8545", "starts with http:// or https://"),
        ("GHOSTNET_RPC_WS_URL", "http://x", "starts with ws:// or wss://"),
        ("GHOSTNET_REORG_DEPTH", "deep", "not a whole number"),
        ("GHOSTNET_REORG_DEPTH", "0", "greater than or equal to 1"),
        ("GHOSTNET_REORG_DEPTH", "1_0", "not a whole number"),
        ("GHOSTNET_REORG_DEPTH", "100001", "less than or equal to 100000"),
        ("GHOSTNET_POLL_INTERVAL", "-1", "greater than or equal to 0.01"),
        ("GHOSTNET_POLL_INTERVAL", "nan", "finite number"),
        ("GHOSTNET_POLL_INTERVAL", "often", "valid number"),
        ("GHOSTNET_LOG_LEVEL", "LOUD", "'DEBUG', 'INFO'"),
        ("GHOSTNET_DEPLOYMENT", "/nowhere.json", "can't be read"),
        ("DJANGO_DEBUG", "perhaps", "none of true, false"),
        ("DJANGO_DEBUG", "1", "none of true, false"),
        ("GHOSTNET_CORS_ORIGINS", "https://ghostnet.example/", "no origin"),
        ("GHOSTNET_CORS_ORIGINS", "*,https://ghostnet.example", "starts with http://"),
        ("DJANGO_SECRET_KEY", "short", "at least 50"),
    ],
)
def test_a_bad_value_is_named_with_its_variable(name: str, value: str, says: str) -> None:
    with pytest.raises(BadEnvironment) as raised:
        read({name: value})
    assert f"{name}: " in str(raised.value)
    assert says in str(raised.value)
    assert ".env.example" in str(raised.value)


def test_only_production_makes_demands_and_nothing_shows_secrets() -> None:
    unset = read({"DATABASE_URL": "postgres://ghostnet:hush-hush-hush@db/ghostnet"})
    assert (unset.debug, unset.https, unset.secret_key) == (False, False, None)
    assert "hush" not in repr(unset)
    production = read({"DJANGO_DEBUG": "false", "DJANGO_SECRET_KEY": "hush" * 20})
    assert (production.debug, production.https) == (False, True)
    assert "hush" not in repr(production)
    with pytest.raises(BadEnvironment, match="DJANGO_SECRET_KEY: not set"):
        read({"DJANGO_DEBUG": "false"})


def test_blanks_and_empty_variables_count_for_nothing() -> None:
    environment = read({"GHOSTNET_REORG_DEPTH": " 12 ", "GHOSTNET_HEADERS_KEPT": "", "DATABASE_URL": "  "})
    assert (environment.reorg_depth, environment.headers_kept, environment.database_url) == (12, 100_000, None)


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(BadEnvironment) as raised:
        read(
            {"DATABASE_URL": "mysql://ghostnet:hush-hush@db/x", "DJANGO_SECRET_KEY": "hush", "IGGY_URL": "hush://hush"}
        )
    assert "hush" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("secret", ["hush#hush", "hush/hush", "hush?hush", "hush[hush", "hush℀hush"])
@pytest.mark.parametrize(
    "address",
    [
        "DATABASE_URL=postgres://ghostnet:{}@db/x",
        "GHOSTNET_RPC_URLS=http://ghostnet:{}@node:1",
        "GHOSTNET_RPC_WS_URL=ws://ghostnet:{}@node:1",
        "IGGY_URL=iggy://ghostnet:{}@broker:1",
    ],
)
def test_a_password_that_breaks_its_address_is_refused_with_what_to_do_and_not_shown(address: str, secret: str) -> None:
    name, _, url = address.format(secret).partition("=")
    with pytest.raises(BadEnvironment, match=f"{name}: .*special characters of .* as %XX") as raised:
        read({name: url})
    assert "hush" not in "".join(traceback.format_exception(raised.value))


def test_a_node_that_is_named_twice_is_one_node() -> None:
    assert read({"GHOSTNET_RPC_URLS": "http://a,http://b,http://a"}).rpc_urls == ("http://a", "http://b")


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(BadEnvironment) as raised:
        read({"GHOSTNET_REORG_DEPTH": "x", "GHOSTNET_RPC_URLS": "y", "DJANGO_DEBUG": "false"})
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
        (lambda document: document["contracts"].pop("DeadPool"), "missing or unknown: DeadPool"),
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
        read({"GHOSTNET_DEPLOYMENT": str(path)})


def test_checksummed_addresses_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    path.write_text(json.dumps(deployment(lambda document: document["contracts"].update(DeadPool=address))))
    found = read({"GHOSTNET_DEPLOYMENT": str(path)})
    assert found.deployment.contracts["DeadPool"] == address.lower()


def test_every_variable_is_explained_in_the_example() -> None:
    names = {str(field.validation_alias) for field in Environment.model_fields.values()}
    explained = set(re.findall(r"^#?\s?(\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    assert explained == names


def test_headers_must_reach_as_deep_as_reorgs() -> None:
    with pytest.raises(BadEnvironment, match=r"GHOSTNET_HEADERS_KEPT.*less than GHOSTNET_REORG_DEPTH, 500"):
        read({"GHOSTNET_REORG_DEPTH": "500", "GHOSTNET_HEADERS_KEPT": "64"})


def test_a_data_folder_that_can_not_be_written_ends_a_command_with_a_sentence() -> None:
    ended = run_command("", NO_NODE, "embedded_postgres", "status", GHOSTNET_DATA_DIR="/dev/null/x")
    assert ended.returncode == 1
    (said, _) = ended.stderr.splitlines()
    assert said.startswith("BadEnvironment: GHOSTNET_DATA_DIR: /dev/null/x/secret_key can't be read or written (Not a")


def test_a_web_server_that_can_not_be_configured_ends_with_a_sentence() -> None:
    command = ["-m", "daphne", "ghostnet.asgi:application"]
    variables = {"GHOSTNET_LOG_FORMAT": "json", "GHOSTNET_REORG_DEPTH": "deep"}
    process = Fork(command, environment_of("postgres://x", NO_NODE, **variables))
    _, said = process.communicate(timeout=30)
    assert process.wait() == 1
    (line,) = said.splitlines()
    assert json.loads(line)["message"].startswith("BadEnvironment: GHOSTNET_REORG_DEPTH: not a whole number")

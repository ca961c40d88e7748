"""What is typed into the search field, and the pages that it leads to."""

import html
import re
from typing import Any

import pytest
import requests

from indexer.domain.units import to_hex
from indexer.selectors.addresses import checksummed
from indexer.store.database import connect
from tests.api.paths import PLAYER
from tests.databases import default_database
from tests.web import Answer, WebClient


def search(client: WebClient, typed: str) -> requests.Response:
    return requests.get(f"{client.url}/search", params={"q": typed}, allow_redirects=False, timeout=30)


@pytest.fixture(scope="module")
def death(indexed_season: str, django_db_blocker: Any) -> tuple[str, int, int, int]:
    """A transaction in which somebody died: its hash, block, level and scan."""
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        row = connection.execute("SELECT tx_hash, id >> 23, level, scan_id FROM deaths ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    return to_hex(row[0]), int(row[1]), int(row[2]), int(row[3])


def test_whatever_is_pasted_leads_to_its_page(season_web: WebClient, death: tuple[str, int, int, int]) -> None:
    tx, block, level, scan_id = death
    block_hash = re.search(r'data-text="(0x\w{64})"', text_of(season_web.get(f"/block/{block}")))
    assert block_hash is not None
    expected = {
        f"  {PLAYER.upper().replace('0X', '0x')}\t": f"/player/{checksummed(PLAYER)}",
        PLAYER[2:]: f"/player/{checksummed(PLAYER)}",
        f"\n {tx} ": f"/tx/{tx}",
        tx.upper(): f"/tx/{tx}",
        block_hash[1]: f"/block/{block}",
        f"block {block}": f"/block/{block}",
        f"Scan #{scan_id}": f"/scan/{level}/{scan_id}",
        "market 1": "/round/1",
        "1,001": "/block/1001",
        " ": "/",
    }
    for typed, place in expected.items():
        answer = search(season_web, typed)
        assert (answer.status_code, answer.headers.get("Location")) == (302, place), typed


def test_a_number_that_may_be_several_things_leads_to_a_choice(season_web: WebClient) -> None:
    answer = search(season_web, "1")
    assert answer.status_code == 200
    assert {"/block/1", "/round/1"} < set(re.findall(r'href="(/[^"]+)"', answer.text))


@pytest.mark.parametrize("typed", ["0x12", "nobody", "0x" + "ab" * 32, "999999", "9" * 400, "<b>x\x00", "scan ١"])
def test_a_miss_keeps_what_was_typed(season_web: WebClient, typed: str) -> None:
    answer = search(season_web, f" {typed} ")
    assert answer.status_code == 404
    assert "What can be searched for" in answer.text
    field = re.search(r'name="q" value="([^"]*)"', answer.text)
    assert field is not None
    assert html.unescape(field[1]) == typed[:200]


def test_pages_of_blocks_and_transactions_tell_what_the_game_did(
    season_web: WebClient, death: tuple[str, int, int, int]
) -> None:
    tx, block, level, scan_id = death
    for path in (f"/tx/{tx}", f"/tx/{tx.upper().replace('0X', '0x')}", f"/block/{block}"):
        happenings = season_web.get(path).content.decode().partition('class="happenings"')[2]
        assert re.search(r"died on [A-Z ]+ with", happenings), path
        assert f'href="/tx/{tx}"' in happenings
    dead = season_web.get(f"/scan/{level}/{scan_id}")
    assert f'href="/tx/{tx}"' in text_of(dead)
    assert "Nothing" in text_of(season_web.get("/block/0")) or "happened" in text_of(season_web.get("/block/0"))
    for path in ("/block/5000", "/tx/0x12", f"/tx/0x{'ab' * 32}", f"/block/{'9' * 60}", "/round/4711"):
        assert season_web.get(path).status_code == 404, path
        assert season_web.get(f"{path}?part=board").status_code == 404, path


def test_what_no_event_shows_has_a_page_too(season_web: WebClient, indexed_season: str, django_db_blocker: Any) -> None:
    """A penalty that a claim of nothing has settled (rule 9)."""
    silent = (
        "SELECT tx_hash FROM positions WHERE action = 'penalty_settled'"
        " AND tx_hash NOT IN (SELECT tx_hash FROM chain_events) LIMIT 1"
    )
    with django_db_blocker.unblock(), default_database(indexed_season), connect() as connection:
        row = connection.execute(silent).fetchone()
    assert row is not None
    assert search(season_web, to_hex(row[0])).status_code == 302
    assert "paid what the reset took" in text_of(season_web.get(f"/tx/{to_hex(row[0])}"))


def text_of(answer: Answer) -> str:
    return answer.content.decode()

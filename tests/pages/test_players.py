"""A player's page in a real browser."""

import asyncio
import re
from typing import Any

from playwright.async_api import Page, expect
from psycopg import Connection

from ghostnet.pages.wording import in_tokens, short
from indexer.domain.units import to_hex
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.selectors.addresses import checksummed
from indexer.store.database import connect
from tests.databases import default_database
from tests.pages.chromium import Chromium, needs_chromium
from tests.processes import await_tip, live
from tests.rows import fetch_one
from tests.web import WebClient, web

pytestmark = needs_chromium
PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"
STAKER = (
    "SELECT address FROM positions WHERE action = 'stake_added' AND id >> 23 BETWEEN 301 AND 330"
    " ORDER BY id DESC LIMIT 1"
)


WITHOUT_TLS = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


async def figures_of(page: Page) -> dict[str, str]:
    """The figures at the top of a page, by what they are of."""
    terms = await page.locator(".figures dt").all_inner_texts()
    return dict(zip(terms, await page.locator(".figures dd").all_inner_texts(), strict=True))


def test_a_player_is_found_and_a_wrong_address_is_an_error(chromium: Chromium, season_web: WebClient) -> None:
    position = season_web.get(f"/api/v1/positions/{PLAYER}").json()["position"]
    changes = season_web.get(f"/api/v1/positions/{PLAYER}/history?limit=30").json()["items"]

    async def work() -> None:
        async with chromium.browse(season_web) as page:
            await page.get_by_label("Search").fill(PLAYER.upper().replace("0X", "0x"))
            await page.get_by_role("button", name="Find").click()
            await page.wait_for_url(f"{season_web.url}/player/*")
            figures = await figures_of(page)
            assert (position["status"], figures["status"]) == ("traced", "died in a scan")
            assert figures["stake at the end"] == f"{in_tokens(position['effective_amount'])} DATA"
            assert "pending rewards" not in figures, "the dead have none"
            assert re.fullmatch(r"\d+ days ago", figures["ended"])
            assert await page.locator("tbody tr").count() == len(changes)
            lost = in_tokens(position["effective_amount"])
            await expect(page.locator("tbody tr").first).to_have_text(
                re.compile(rf"died in a scan #\d+: lost {lost} DATA")
            )
            await page.goto(f"{season_web.url}/scan/4/88")
            assert "88 of DARKNET" in await page.locator("h1").inner_text()

    chromium.run(work())
    wrong = season_web.get("/player/0x12")
    assert wrong.status_code == 404
    assert b"that is no address" in wrong.content


def test_an_address_is_copied_also_without_tls_and_not_offered_without_scripts(
    chromium: Chromium, season_web: WebClient
) -> None:
    async def work() -> None:
        path = f"/player/{PLAYER}"
        async with chromium.browse(season_web, "/health/live") as page:
            await page.add_init_script(WITHOUT_TLS)
            await page.goto(season_web.url + path)
            await page.get_by_role("button", name="copy the address").click()
            await page.get_by_label("Search").focus()
            await page.keyboard.press("Control+v")
            assert await page.get_by_label("Search").input_value() == checksummed(PLAYER)
        async with chromium.browse(season_web, path, java_script_enabled=False) as page:
            await expect(page.locator("button.copy")).to_be_hidden()

    chromium.run(work())
    assert season_web.get("/scan/4/100000").status_code == 404
    assert season_web.get("/scan/9/1").status_code == 404


def test_a_player_s_page_follows_the_player(
    chromium: Chromium, database: str, connection: Connection[Any], season: list[RecordedBlock], indexed_season: str
) -> None:
    """Somebody who adds to a stake in one of the next 30 blocks."""
    with default_database(indexed_season), connect() as whole:
        address = to_hex(fetch_one(whole, STAKER))

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with chromium.browse(client, f"/player/{address}") as page:
            await expect(page.locator("#connection")).to_have_text("live")
            stake = page.locator(".figures dd").nth(2)
            before = await stake.inner_text()
            assert "pending rewards" in await figures_of(page)
            node.advance(30)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            after = in_tokens(client.get(f"/api/v1/positions/{address}").json()["position"]["effective_amount"])
            assert f"{after} DATA" != before
            await expect(stake).to_have_text(f"{after} DATA")
            lines = await page.locator("#feed li[data-id]").all_inner_texts()
            assert lines
            assert all(short(checksummed(address)) in line for line in lines), "the feed is the player's own"

    with live(database, connection, season) as node, web(database) as client:
        chromium.run(work(node, client))


def test_a_player_s_page_leads_to_the_scan_that_runs(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    with live(database, connection, season), web(database) as client:
        row = connection.execute(
            "SELECT address, level FROM current_positions WHERE status = 'alive' LIMIT 1"
        ).fetchone()
        assert row is not None
        address, level = row
        begun = "UPDATE current_scans SET finalized_at = NULL WHERE level = %s RETURNING scan_id"
        scan_id = max(int(number) for (number,) in connection.execute(begun, (level,)))
        page = client.get(f"/player/{to_hex(address)}").content.decode()
    assert f'<a class="running" href="/scan/{level}/{scan_id}">running</a>' in page

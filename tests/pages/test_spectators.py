"""The spectators' pages in a real browser."""

import asyncio
import gzip
import json
import re
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from playwright.async_api import Page, Response, expect
from psycopg import Connection

from ghostnet.pages.wording import in_tokens
from indexer.domain.units import to_hex
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayServer
from indexer.store.database import connect
from tests.conftest import database_url, default_database, fetch_one
from tests.pages.chromium import browse, needs_chromium
from tests.paths import PROJECT
from tests.processes import await_tip
from tests.realtime.socket import canonical
from tests.realtime.test_live import HEAD, live
from tests.web import WebClient, web

pytestmark = needs_chromium
AXE = PROJECT / ".ci" / "npm" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"
MOST_BYTES = 150_000
STAKER = (
    "SELECT address FROM positions WHERE action = 'stake_added' AND id >> 23 BETWEEN 301 AND 330"
    " ORDER BY id DESC LIMIT 1"
)


@pytest.fixture(scope="module")
def client(indexed_season: str, django_db_blocker: Any) -> Iterator[WebClient]:
    with django_db_blocker.unblock():
        url = database_url(indexed_season)
    with web(url) as server:
        yield server


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 90))


@pytest.mark.parametrize("scripts", [True, False], ids=["live", "without scripts"])
def test_the_network_is_shown_as_the_api_tells_it(client: WebClient, scripts: bool) -> None:
    stats = client.get("/api/v1/stats").json()
    levels = client.get("/api/v1/stats/levels").json()
    earner = client.get("/api/v1/leaderboard/earnings?limit=1").json()[0]

    async def work() -> None:
        async with browse(client, java_script_enabled=scripts) as page:
            figures = await page.locator(".figures dd").all_inner_texts()
            assert figures[0] == in_tokens(stats["total_value_locked"])
            assert figures[1:3] == [str(stats["players"]), str(stats["deaths"]["count"])]
            assert figures[3] == in_tokens(stats["burned"]["total"])
            rows = await page.locator("table tbody tr").all_inner_texts()
            assert len(rows) == 5
            for row, level in zip(reversed(rows), levels, strict=True):
                cells = row.split("\t")
                assert cells[0] == level["level"]["name"].replace("_", " ")
                assert cells[1] == in_tokens(level["total_staked"])
                assert cells[2].split()[0] == str(level["players"])
            leader = page.locator("section:has(#earners-title) li").first
            assert in_tokens(earner["earnings"]) in await leader.inner_text()
            assert await page.locator("#feed li").count() == 40
            said = await page.locator("#connection").inner_text()
            if scripts:
                await expect(page.locator("#connection")).to_have_text("live")
            else:
                assert said.startswith("static")

    run(work())


def test_everything_comes_from_us_and_is_small(client: WebClient) -> None:
    async def work() -> None:
        async with browse(client, "/health/live") as page:
            sizes: dict[str, int] = {}
            hosts = set()

            async def weigh(response: Response) -> None:
                hosts.add(re.sub(r"^\w+://([^/]+).*", r"\1", response.url))
                sizes[response.url] = len(gzip.compress(await response.body()))

            page.on("response", weigh)
            await page.goto(client.url)
            await page.wait_for_timeout(2000)
            assert hosts == {f"127.0.0.1:{client.port}"}
            assert sum(sizes.values()) < MOST_BYTES

    run(work())


async def shown(page: Page) -> list[int]:
    """The ids of the feed's rows, as they stand."""
    found = await page.locator("#feed li[data-id]").evaluate_all("rows => rows.map(row => row.dataset.id)")
    return [int(place) for place in found]


async def await_feed(page: Page, connection: Connection[Any], block: int) -> None:
    """Wait until the page shows exactly the newest of what the tables hold, and the board the block."""
    async with asyncio.timeout(20):
        while True:
            expected = sorted(canonical(connection, ["feed"]), reverse=True)
            found = await shown(page)
            board = await page.locator("#chain").get_attribute("data-block")
            if found and found == expected[: len(found)] and board == str(block):
                return
            await page.wait_for_timeout(100)


def test_what_happens_is_shown_through_reorgs_and_lost_connections(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    async def work(node: ReplayServer, client: WebClient) -> None:
        async def arrive() -> None:
            tip = node.chain.blocks[-1]
            await asyncio.to_thread(await_tip, connection, tip.hash)
            await await_feed(page, connection, tip.number)

        async with browse(client) as page:
            await expect(page.locator("#connection")).to_have_text("live")
            node.advance(10)
            await arrive()
            assert await page.locator("#notice").is_hidden()
            node.fork(6, 8)
            await arrive()
            assert f"after block {HEAD + 4}" in await page.locator("#notice").inner_text()
            client.kill()
            await expect(page.locator("#connection")).to_contain_text("reconnecting")
            node.advance(5)
            node.fork(3, 4)
            await asyncio.to_thread(client.start)
            await arrive()
            assert await page.locator("#connection").inner_text() == "live"

    with live(database, connection, season) as node, web(database) as client:
        run(work(node, client))


def test_a_player_is_found_and_a_wrong_address_is_told(client: WebClient) -> None:
    position = client.get(f"/api/v1/positions/{PLAYER}").json()["position"]
    changes = client.get(f"/api/v1/positions/{PLAYER}/history?limit=30").json()["items"]

    async def work() -> None:
        async with browse(client) as page:
            await page.get_by_label("Player").fill(PLAYER.upper().replace("0X", "0x"))
            await page.get_by_role("button", name="Find").click()
            await page.wait_for_url(f"{client.url}/player/*")
            figures = await page.locator(".figures dd").all_inner_texts()
            assert figures[0] == position["status"]
            assert figures[2] == in_tokens(position["effective_amount"])
            assert figures[3] == in_tokens(position["pending_rewards"])
            assert await page.locator("tbody tr").count() == len(changes)
            await page.goto(f"{client.url}/scan/4/88")
            assert "88 of DARKNET" in await page.locator("h1").inner_text()

    run(work())
    wrong = client.get("/player/0x12")
    assert wrong.status_code == 404
    assert b"that is no address" in wrong.content
    assert client.get("/scan/4/100000").status_code == 404
    assert client.get("/scan/9/1").status_code == 404


def test_a_player_s_page_follows_the_player(
    database: str, connection: Connection[Any], season: list[RecordedBlock], indexed_season: str
) -> None:
    """Somebody who adds to a stake in one of the next 30 blocks."""
    with default_database(indexed_season), connect() as whole:
        address = to_hex(fetch_one(whole, STAKER))

    async def work(node: ReplayServer, client: WebClient) -> None:
        async with browse(client, f"/player/{address}") as page:
            await expect(page.locator("#connection")).to_have_text("live")
            stake = page.locator(".figures dd").nth(2)
            before = await stake.inner_text()
            node.advance(30)
            await asyncio.to_thread(await_tip, connection, node.chain.blocks[-1].hash)
            after = in_tokens(client.get(f"/api/v1/positions/{address}").json()["position"]["effective_amount"])
            assert after != before
            await expect(stake).to_have_text(after)

    with live(database, connection, season) as node, web(database) as client:
        run(work(node, client))


@pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core (.ci/run installs it)")
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_people_who_see_or_point_otherwise_can_use_it(client: WebClient, scheme: str) -> None:
    async def work() -> None:
        async with browse(client, color_scheme=scheme, bypass_csp=True) as page:
            for path in ("/", f"/player/{PLAYER}", "/scan/2/86"):
                await page.goto(client.url + path)
                await page.add_script_tag(path=AXE)
                found = await page.evaluate("axe.run()")
                violations = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]]
                assert violations == [], json.dumps(violations, indent=1)
            await page.goto(client.url)
            await page.keyboard.press("Tab")
            assert await page.evaluate("document.activeElement.textContent") == "Skip to the game"
            await page.keyboard.press("Enter")
            assert await page.evaluate("document.activeElement.id") == "main"

    run(work())


def test_it_fits_a_phone(client: WebClient) -> None:
    async def work() -> None:
        async with browse(client, viewport={"width": 360, "height": 740}) as page:
            for path in ("/", f"/player/{PLAYER}", "/scan/2/86"):
                await page.goto(client.url + path)
                assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path

    run(work())


def test_text_of_the_chain_is_never_markup(
    database: str, connection: Connection[Any], season: list[RecordedBlock]
) -> None:
    """An alarm quotes what an event or a node said."""

    async def work(client: WebClient) -> None:
        async with browse(client) as page:
            assert "<b onclick" in await page.locator(".alarm").inner_text()
            assert await page.locator(".alarm b").count() == 0

    with live(database, connection, season), web(database) as client:
        connection.execute(
            "INSERT INTO alarms (kind, message, raised_at) VALUES ('audit', '<b onclick=alert(1)>x</b>', now())"
        )
        run(work(client))

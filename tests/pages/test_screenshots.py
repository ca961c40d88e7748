"""Pictures of the pages: `make screenshots` writes those of the documents."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from indexer.models import Heartbeat
from indexer.replay.recording import RecordedBlock
from indexer.replay.server import ReplayOptions, ReplayServer
from indexer.replay.truth import Truth
from tests.factories import PASSWORD, UserFactory, now
from tests.indexing import index
from tests.pages.chromium import browse, needs_chromium
from tests.web import WebClient, web

pytestmark = needs_chromium
PLAYER = "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def client(database: str, season: list[RecordedBlock], truth: Truth) -> Iterator[WebClient]:
    with ReplayServer(season, ReplayOptions(head=900)) as node:
        index(node, truth.contracts)
        UserFactory.create(username="operator")
        Heartbeat.objects.update(seen_at=now() + timedelta(hours=1))
        with web(database, node.url) as server:
            yield server


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    named = request.config.getoption("--images")
    if named is None:
        pytest.skip("no pictures are wanted (`make screenshots`)")
    return Path(named)


def test_the_pages_can_be_looked_at(folder: Path, client: WebClient) -> None:
    async def take(page: Page, name: str) -> None:
        await page.screenshot(path=folder / f"{name}.png", animations="disabled")

    async def pages(scheme: Any) -> None:
        async with browse(client, color_scheme=scheme, viewport=DESK) as page:
            await expect(page.locator("#connection")).to_have_text("live")
            await take(page, f"network-{scheme}")
            await page.goto(f"{client.url}/admin/")
            await page.get_by_label("Username").fill("operator")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Log in").click()
            await page.goto(f"{client.url}/admin/status/")
            await take(page, f"status-{scheme}")
            await page.goto(f"{client.url}/admin/indexer/currentposition/?level=4")
            await take(page, f"positions-{scheme}")

    async def work() -> None:
        for scheme in ("dark", "light"):
            await pages(scheme)
        async with browse(client, f"/player/{PLAYER}", color_scheme="dark", viewport=DESK) as page:
            await take(page, "player-dark")
            await page.goto(f"{client.url}/scan/2/86")
            await take(page, "scan-dark")
        async with browse(client, color_scheme="dark", viewport=PHONE) as page:
            await take(page, "phone-dark")

    asyncio.run(asyncio.wait_for(work(), 90))
    taken = sorted(folder.glob("*.png"))
    assert len(taken) == 9
    assert min(picture.stat().st_size for picture in taken) > 20_000, "none is empty"

"""Pictures of the demo's pages: `make screenshots` writes those of the documents."""

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from ghostnet.demo.demo import FIRST_HEAD
from tests.demos import await_opened, demo, free_port
from tests.factories import PASSWORD
from tests.pages.chromium import Chromium, needs_chromium
from tests.web import WebClient

pytestmark = needs_chromium
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
BLOCKS = 45
"""Blocks of the live part that are waited for: a scan has killed somebody by then, and others run."""


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    named = request.config.getoption("--images")
    if named is None:
        pytest.skip("no pictures are wanted (`make screenshots`)")
    return Path(named)


@pytest.mark.timeout(300)
def test_the_pages_can_be_looked_at(chromium: Chromium, folder: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    async def take(page: Page, name: str) -> None:
        if await page.locator("#connection").count():
            await expect(page.locator("#connection")).to_have_text("live")
        await page.screenshot(path=folder / f"{name}.png", animations="disabled")

    async def spectate(client: WebClient, scheme: Any) -> None:
        async with chromium.browse(client, color_scheme=scheme, viewport=DESK) as page:
            await take(page, f"network-{scheme}")
            if scheme == "dark":
                await page.locator("section:has(#streaks-title) a").first.click()
                await take(page, "player-dark")
                await page.goto(url)
                await page.locator("section:has(#scans-title) li", has_text="died with").locator("a").first.click()
                await take(page, "scan-dark")

    async def operate(client: WebClient) -> None:
        async with chromium.browse(client, "/admin/", viewport=DESK) as page:
            await page.get_by_label("Username").fill("operator")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Log in").click()
            for scheme in ("dark", "light"):
                await page.emulate_media(color_scheme=scheme)
                await page.goto(f"{url}/admin/status/")
                await expect(page.locator(".tiles")).to_contain_text("blocks/s", timeout=20_000)
                await take(page, f"status-{scheme}")
                await page.goto(f"{url}/admin/indexer/currentposition/?level=4")
                await take(page, f"positions-{scheme}")

    async def wait_for_play(client: WebClient) -> None:
        async with chromium.browse(client) as page:
            while int(await page.locator("#chain").get_attribute("data-block") or 0) < FIRST_HEAD + BLOCKS:
                await page.wait_for_timeout(500)

    async def work(client: WebClient) -> None:
        await wait_for_play(client)
        for scheme in ("dark", "light"):
            await spectate(client, scheme)
        await operate(client)
        async with chromium.browse(client, color_scheme="dark", viewport=PHONE) as page:
            await take(page, "phone-dark")

    with demo(port, DJANGO_SUPERUSER_PASSWORD=PASSWORD, GHOSTNET_RATE_LIMIT="0") as (process, _):
        await_opened(process, port)
        threading.Thread(target=read_all, args=(process,), daemon=True).start()
        chromium.run(work(WebClient(url)))
    taken = sorted(folder.glob("*.png"))
    assert len(taken) == 9
    assert min(picture.stat().st_size for picture in taken) > 20_000, "none is empty"


def read_all(process: subprocess.Popen[str]) -> None:
    """Read what the demo says, which would stand still at a full pipe."""
    assert process.stdout is not None
    for _ in process.stdout:
        pass

"""A real browser, one for all tests of a worker, since its start takes longer than opening a page."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, Playwright, async_playwright, expect

from tests.paths import PROJECT
from tests.web import WebClient

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)")

OURS = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess")
PLAYWRIGHTS = ("AvoidUnnecessaryBeforeUnloadCheckSync", "HttpsUpgrades", "NetworkTimeServiceQuerying", "PaintHolding")
LEFT_OUT = f"--disable-features={','.join(OURS + PLAYWRIGHTS)}"
"""The browser without pages that nobody sees: two of its address bar and an empty one in reserve, which take a second
for each new visitor. What Playwright leaves out itself stands here too, since the last such list counts."""

PATIENCE = 30_000
"""Milliseconds of waiting for something to become visible."""
expect.set_options(timeout=PATIENCE)

AXE = PROJECT / ".ci" / "npm" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core (.ci/run installs it)")


LEAVE_TWO_OF_A_KIND = """() => {
  const outline = one => [one.parentElement, one, ...one.querySelectorAll("*")]
    .map(each => each.tagName + each.getAttribute("class") + each.getAttribute("role")).join();
  const found = new Map();
  for (const row of document.querySelectorAll("li, tr")) {
    const kind = outline(row);
    found.set(kind, (found.get(kind) ?? 0) + 1);
    if (found.get(kind) > 2) row.remove();
  }
}"""
"""Of the rows of lists and tables that differ in nothing but their text all but two are removed."""


async def assert_accessible(page: Page) -> None:
    """Let axe look at a page in light colours, and at its contrasts in dark ones too; the page's context has to be made
    with `bypass_csp`. Nothing is loaded anew for it: only the rules of sounds and films would need it. Two rows of each
    kind are looked at, and left on the page: what is wrong in one is in all."""
    await page.add_script_tag(path=AXE)
    await page.evaluate(LEAVE_TWO_OF_A_KIND)
    await page.add_style_tag(content="* { transition: none !important }")  # no colour between two schemes
    schemes: tuple[tuple[Literal["light", "dark"], str], ...] = (
        ("light", "{resultTypes: ['violations'], preload: false}"),
        ("dark", "{resultTypes: ['violations'], preload: false, runOnly: ['color-contrast']}"),
    )
    for scheme, rules in schemes:
        await page.emulate_media(color_scheme=scheme)
        found = await page.evaluate(f"axe.run({rules}).then(found => found.violations)")
        violations = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]
        assert violations == [], f"{page.url} in {scheme}: {json.dumps(violations, indent=1)}"


class Chromium:
    """A browser on an event loop of its own, on which all work with it runs; it is started when it is first needed."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def run(self, work: Coroutine[Any, Any, Any], seconds: float = 200) -> Any:
        """Run a test's work, for at most so many seconds."""
        return self._runner.run(asyncio.wait_for(work, seconds))

    @asynccontextmanager
    async def browse(self, client: WebClient, path: str = "/", **options: Any) -> AsyncIterator[Page]:
        """A page of the site as a first-time visitor sees it. Errors on its console, also about blocked content, fail
        the test, except that the server can't be reached. Motion is reduced: drawing it takes long without graphics."""
        complaints: list[str] = []
        context = await (await self._started()).new_context(reduced_motion="reduce", **options)
        try:
            page = await context.new_page()
            page.set_default_timeout(PATIENCE)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            await page.goto(client.url + path)
            yield page
        finally:
            await context.close()
        expected = ("ERR_CONNECTION_REFUSED", "Failed to load resource", "WebSocket connection to")
        assert [text for text in complaints if not any(known in text for known in expected)] == []

    async def _started(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self._playwright = self._playwright or await async_playwright().start()
            self._browser = await self._playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", LEFT_OUT]
            )
        return self._browser

    def close(self) -> None:
        """End the browser, if one was started."""
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()

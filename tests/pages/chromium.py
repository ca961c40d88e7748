"""A real browser."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from playwright.async_api import Page, async_playwright

from tests.paths import PROJECT
from tests.web import WebClient

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)")

AXE = PROJECT / ".ci" / "npm" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="there is no axe-core (.ci/run installs it)")


async def assert_accessible(page: Page) -> None:
    """Let axe look at a page in light colours, and at its contrasts in dark ones too; the page's context has to be made
    with `bypass_csp`."""
    await page.add_script_tag(path=AXE)
    await page.add_style_tag(content="* { transition: none !important }")  # no colour between two schemes
    schemes: tuple[tuple[Literal["light", "dark"], str], ...] = (
        ("light", "{}"),
        ("dark", "{runOnly: ['color-contrast']}"),
    )
    for scheme, rules in schemes:
        await page.emulate_media(color_scheme=scheme)
        found = await page.evaluate(f"axe.run({rules})")
        violations = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]]
        assert violations == [], f"{page.url} in {scheme}: {json.dumps(violations, indent=1)}"


@asynccontextmanager
async def browse(client: WebClient, path: str = "/", **options: Any) -> AsyncIterator[Page]:
    """A page of ours in a new browser; what its console complains of, of blocked content too, is an error,
    except that the server can't be reached."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(**options)
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        await page.goto(client.url + path)
        yield page
        await browser.close()
    expected = ("ERR_CONNECTION_REFUSED", "Failed to load resource", "WebSocket connection to")
    assert [text for text in complaints if not any(known in text for known in expected)] == []

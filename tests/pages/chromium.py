"""A real browser."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.web import WebClient

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)")


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

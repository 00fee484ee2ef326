"""The site in Chromium: from a folder, without a network, in the light and in the dark, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium

PAGES = ("index", "first-job", "reference/messages")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as found:
        yield found


def grave(page: Page) -> list[str]:
    """What axe calls serious or worse: the rule, and the first place."""
    found = Axe().run(page).response["violations"]
    told = [each for each in found if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in told]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_can_be_read_by_everybody(browser: Browser, site: Path, name: str, scheme: str) -> None:
    asked: list[str] = []
    with browser.new_context(color_scheme="dark" if scheme == "dark" else "light") as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / f"{name}.html").as_uri())
        assert grave(page) == []
    assert [url for url in asked if urlsplit(url).scheme not in ("file", "data")] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_phone(browser: Browser, site: Path, name: str) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_can_be_searched_from_a_folder(browser: Browser, site: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((site / "search.html").as_uri() + "?q=keep-before")
        expect(page.locator("#search-results li").first).to_be_visible()

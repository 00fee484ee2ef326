"""The table of tenants in a browser: a thousand of them stay readable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from bulkexo.report.html import write_report
from tests.browser import Watched, chromium
from tests.report.left import NOT_FOUND, item, run

TENANTS = 1000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over 1,000 tenants: the nth has n % 7 + 1 items, and every 100th has a failure."""
    lines: list[dict[str, Any]] = []
    for number in range(1, TENANTS + 1):
        tenant: dict[str, Any] = {"tenant": f"t{number:04}.onmicrosoft.com"}
        for _ in range(number % 7 + 1):
            lines.append(item(len(lines) + 1, **tenant))
        if number % 100 == 0:
            lines.append(item(len(lines) + 1, "failed", NOT_FOUND, **tenant))
    folder = run(tmp_path_factory.mktemp("tenants"), lines, options={})
    made = write_report(folder, folder.path / "report.html")
    assert made.size < 1_000_000
    return made.path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    context = browser.new_context()
    watched = Watched(context, report.as_uri())
    watched.page.locator("#tenant-count").wait_for(state="attached")
    yield watched.page
    watched.check()
    context.close()


def names(page: Page, count: int = 3) -> list[str]:
    cells = page.locator("#of-tenants tbody tr:visible th")
    return [cells.nth(place).inner_text().partition(".")[0] for place in range(count)]


def test_those_with_failures_first_and_any_column_sorts(page: Page) -> None:
    expect(page.locator("#tenant-count")).to_have_text("1,000 tenants")
    assert names(page) == ["t0100", "t0200", "t0300"]
    page.locator("#of-tenants").get_by_role("button", name="Tenant", exact=True).click()
    assert names(page) == ["t0001", "t0002", "t0003"]
    page.locator("#of-tenants").get_by_role("button", name="Ended", exact=True).click()
    page.locator("#of-tenants").get_by_role("button", name="Ended", exact=True).click()
    assert names(page) == ["t0300", "t1000", "t0600"], "by number: 7, 7, 7"


def test_filtered_by_name(page: Page) -> None:
    page.fill("#tenant", "t099 ONMICROSOFT")
    expect(page.locator("#tenant-count")).to_have_text("10 of 1,000 tenants")
    assert names(page, 1) == ["t0990"]
    page.fill("#tenant", "")
    expect(page.locator("#tenant-count")).to_have_text("1,000 tenants")


def test_sections_for_those_with_failures_alone(page: Page) -> None:
    assert page.locator("section.tenant").count() == 10
    expect(page.locator("#tenants + p")).to_have_text("Of 1,000 tenants, 10 had failures.")


def test_nothing_grave_for_those_who_do_not_see(page: Page) -> None:
    found = Axe().run(page)
    assert [each for each in found.response["violations"] if each["impact"] in ("serious", "critical")] == []

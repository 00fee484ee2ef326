"""report.html in Chromium: what a reader sees, in the light and in the dark, on a phone, on paper."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from bulkexo.report.html import write_report
from tests.browser import Watched, chromium
from tests.report.left import AFTER, BUSY, NOT_FOUND, UNKNOWN, at, item, progress, run

WIDE: ViewportSize = {"width": 1180, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
MANY = 100_000
SOME = 1_000
BOUND = 80
"""Rows that may be in the page at once, of however many."""
EVIL = "=cmd|' /C calc'!A0 </script><img src=x onerror=\"window.hacked=1\"> \u202eevil"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run of 100,000 items that are not fine."""
    return made(tmp_path_factory.mktemp("many"), MANY)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run of 1,000 of them."""
    return made(tmp_path_factory.mktemp("some"), SOME)


def made(path: Path, count: int) -> Path:
    """A report of so many items that are not fine, in two waves, of two tenants."""
    lines = []
    for row in range(1, count + 1):
        tenant = {"tenant": "contoso.onmicrosoft.com" if row % 3 else "fabrikam.onmicrosoft.com"}
        if row == 7:
            lines.append(item(row, "failed", {**NOT_FOUND, "message": EVIL}, identity=EVIL, **tenant))
        elif row % 11 == 0:
            lines.append(item(row, "unknown", UNKNOWN, cmdlet="New-InboxRule", **tenant))
        elif row % 7 == 0:
            lines.append(item(row, "skipped", AFTER, attempts=0, **tenant))
        else:
            lines.append(item(row, "failed", BUSY if row % 2 else NOT_FOUND, **tenant))
    lines.append(item(count + 1))
    folder = run(path, lines, waves={"bounds": [50, count + 1], "passed": 1, "waiting": None})
    samples = range(0, 2500, 10)
    progress(
        folder.path,
        [
            {"time": at(now), "attempts": now * 40, "throttled": now, "allowed_per_second": 42.0}
            for now in samples
        ],
    )
    return write_report(folder, folder.path / "report.html").path


@contextmanager
def opened(browser: Browser, report: Path, **how: Any) -> Iterator[Page]:
    """The page; at the end it must have asked for nothing, and complained of nothing."""
    context = browser.new_context(**{"viewport": WIDE, **how})
    context.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', "
        "{value: {writeText: async (text) => { window.copied = text; }}})"
    )
    watched = Watched(context, report.as_uri())
    if how.get("java_script_enabled", True):
        expect(watched.page.locator("#count")).to_have_text(re.compile("items"))
    yield watched.page
    watched.check()
    context.close()


def rows(page: Page) -> int:
    """Rows that are in the page."""
    return page.locator("#table tr").count()


def column(page: Page, name: str) -> list[str]:
    """What a column shows, of the rows in the page."""
    return page.locator(f"#table tbody td.{name}").all_inner_texts()


def test_a_hundred_thousand_rows_a_window_at_a_time(browser: Browser, many: Path) -> None:
    with opened(browser, many) as page:
        expect(page.locator("#count")).to_have_text("100,000 items")
        assert rows(page) < BOUND
        page.fill("#filter", "MAILBOX777 not found")
        expect(page.locator("#count")).to_have_text(re.compile(r"^\d+ of 100,000 items"))
        assert column(page, "c4")
        assert all("mailbox777" in text for text in column(page, "c4"))
        page.fill("#filter", "no such words")
        expect(page.locator("#count")).to_have_text("0 of 100,000 items")
        page.fill("#filter", "")
        expect(page.locator("#count")).to_have_text("100,000 items")
        page.select_option("#by-status", "unknown")
        expect(page.locator("#count")).to_have_text("9,090 of 100,000 items")
        assert set(column(page, "c5")) == {"unknown"}
        page.evaluate("document.getElementById('window').scrollTop = 1e9")
        expect(page.locator("#table tbody")).to_contain_text("99,990")
        assert rows(page) < BOUND
        page.get_by_role("button", name="Message", exact=True).click()
        assert rows(page) < BOUND
        page.select_option("#by-status", "")
        expect(page.locator("#count")).to_have_text("100,000 items")
        page.locator("#copy").click()
        expect(page.locator("#copy")).to_have_text("Copied 100,000 rows")
        assert page.evaluate("window.copied").count("\r\n") == MANY + 1


def test_each_column_sorts_both_ways(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        heads = page.locator("#table thead th")
        for number in range(heads.count()):
            head = heads.nth(number)
            head.get_by_role("button").click()
            expect(head).to_have_attribute("aria-sort", "ascending")
            head.get_by_role("button").click()
            expect(head).to_have_attribute("aria-sort", "descending")
            assert page.locator("#table [aria-sort]").count() == 1
            assert rows(page) < BOUND
        page.get_by_role("button", name="Row", exact=True).click()
        expect(page.locator("#table .row").first).to_have_text("1")
        page.get_by_role("button", name="Row", exact=True).click()
        expect(page.locator("#table .row").first).to_have_text("1,000")
        page.get_by_role("button", name="Cause", exact=True).click()
        found = [text for text in column(page, "c6") if text]
        assert found == sorted(found)


def test_an_item_is_told_in_full_and_what_to_do_about_it(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        page.fill("#filter", "mailbox124@")
        expect(page.locator("#count")).to_have_text("1 of 1,000 items")
        page.locator("#table .row").first.click()
        detail = page.locator("#detail")
        expect(detail).to_contain_text("The operation couldn't be performed because object 'x'")
        expect(detail).to_contain_text("Correct the row or take it out.")
        expect(detail).to_contain_text("contoso.onmicrosoft.com")


def test_the_items_of_a_cause(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        page.get_by_role("button", name="Show the items").first.click()
        expect(page.locator("#count")).to_have_text(re.compile(r" of 1,000 items$"))
        assert len(set(column(page, "c6"))) == 1
        section = page.locator(".tenant", has=page.get_by_role("heading", name="fabrikam.onmicrosoft.com"))
        section.get_by_role("button", name="Show the items").first.click()
        expect(page.locator("#table .c2").nth(1)).to_have_text("fabrikam.onmicrosoft.com")
        assert set(column(page, "c2")) == {"fabrikam.onmicrosoft.com"}


def test_the_items_that_need_a_person(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        page.select_option("#by-mends", label="needs a person")
        expect(page.locator("#count")).to_have_text(re.compile(r"^\d+ of 1,000 items$"))
        page.get_by_role("button", name="Status", exact=True).click()
        page.get_by_role("button", name="Status", exact=True).click()
        assert column(page, "c5")[0] == "unknown"
        page.select_option("#by-mends", label="run it again")
        expect(page.locator("#table tbody")).not_to_contain_text("unknown")
        assert set(column(page, "c6")) == {"the service was busy or did not answer in time"}


def test_by_the_keyboard_alone(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        page.focus("#filter")
        page.keyboard.type("busy")
        expect(page.locator("#count")).to_have_text(re.compile(" of "))
        for _ in range(4):
            page.keyboard.press("Tab")  # status, to do, copy, the window
        assert page.evaluate("document.activeElement.id") == "window"
        page.keyboard.press("End")
        expect(page.locator("#table tbody")).not_to_contain_text("mailbox1@")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#table [aria-sort=ascending]")).to_have_text("Row")
        page.locator("#table .row").first.focus()
        for _ in range(60):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "row", "the next row is always there"
        page.keyboard.press("Enter")
        expect(page.locator("#detail")).to_be_visible()


def test_what_is_filtered_is_copied_as_csv_without_formulas(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        page.fill("#filter", "calc")
        expect(page.locator("#count")).to_have_text("1 of 1,000 items")
        page.get_by_role("button", name="Copy as CSV").click()
        expect(page.locator("#copy")).to_have_text("Copied 1 rows")
        copied = list(csv.DictReader(io.StringIO(page.evaluate("window.copied"), newline="")))
        assert [(row["Row"], row["Status"], row["Identity"][:5]) for row in copied] == [
            ("7", "failed", "'=cmd")
        ]


def test_what_others_wrote_is_only_shown(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        page.fill("#filter", "calc")
        expect(page.locator("#count")).to_have_text("1 of 1,000 items")
        page.locator("#table .row").first.click()
        shown = EVIL.replace("\u202e", "\\u202e")
        expect(page.locator("#detail")).to_contain_text(shown)
        assert column(page, "c4") == [shown]
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0


def test_nothing_else_could_run_or_load(browser: Browser, report: Path) -> None:
    context = browser.new_context()
    watched = Watched(context, report.as_uri())
    watched.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "https://127.0.0.1:9/x.png";
            document.body.append(image);
        }"""
    )
    assert watched.page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in text for text in watched.said)
    context.close()


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"color_scheme": "dark"},
        {"viewport": NARROW},
        {"viewport": NARROW, "color_scheme": "dark"},
        {"java_script_enabled": False},
    ],
    ids=["light", "dark", "narrow", "narrow-dark", "no-script"],
)
def test_it_is_accessible(browser: Browser, report: Path, how: dict[str, Any]) -> None:
    with opened(browser, report, **{**how, "java_script_enabled": True}) as page:
        if "java_script_enabled" in how:  # axe is a script itself: as if ours had not run
            page.evaluate("document.documentElement.classList.remove('live')")
            page.evaluate("document.querySelectorAll('.scripted').forEach((each) => (each.hidden = true))")
        else:
            page.locator("#table .row").first.click()
        found = Axe().run(page)
        grave = [each for each in found.response["violations"] if each["impact"] in ("serious", "critical")]
        assert grave == []


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_is_wider_than_the_screen(browser: Browser, report: Path, viewport: ViewportSize) -> None:
    with opened(browser, report, viewport=viewport) as page:
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1]
        drawn = page.locator("svg.pygal:visible")
        assert drawn.count() == page.locator(".chart").count() == 3


def test_the_essentials_can_be_read_without_a_script(browser: Browser, report: Path) -> None:
    with opened(browser, report, java_script_enabled=False) as page:
        for name in (
            "What to do now",
            "Failures by cause",
            "Speed",
            "How long an item took",
            "Waves",
            "Tenants",
        ):
            expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        expect(page.get_by_text("Where scripts are off, only 100 of them can be seen.")).to_be_visible()
        assert page.locator("#table tbody tr").count() == 100
        assert column(page, "c5") == ["unknown"] * 90 + ["failed"] * 10, "what asks for most attention first"
        expect(page.locator("#filter")).to_be_hidden()


def test_the_headings_are_in_order(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        levels = [
            int(name[1])
            for name in page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((e) => e.tagName)")
        ]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_prints_in_the_light_and_in_few_pages(browser: Browser, report: Path, scheme: Any) -> None:
    with opened(browser, report, color_scheme=scheme) as page:
        printed = page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        pages = len(re.findall(rb"/Type\s*/Page\b", printed))
        assert 5 < pages < 60, "the table to a limit, and not all of it"
        expect(page.locator("#count")).to_have_text("1,000 items")
        assert rows(page) < BOUND, "as it was before"
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 33, 44)"

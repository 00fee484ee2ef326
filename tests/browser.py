"""The system's Chromium, for tests that look at pages as a person does; without one they are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage")


def executable() -> str | None:
    """Where it is; BULKEXO_BROWSER names another."""
    named = os.environ.get("BULKEXO_BROWSER")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """It, started; the test is skipped where it is not to be had."""
    path = executable()
    if path is None:
        pytest.skip("There is no Chromium here: apt-get install chromium, or name one by BULKEXO_BROWSER.")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        except Error as error:
            pytest.skip(f"{path} does not start here: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


class Watched:
    """A page, and what it did that it should not. asked: addresses beside its own that it wanted. said:
    complaints on its console."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        self.page.goto(address)
        self.asked.remove(address)

    def check(self) -> None:
        """Nothing was asked for, and nothing complained of."""
        assert (self.asked, self.said) == ([], [])

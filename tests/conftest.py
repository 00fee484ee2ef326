"""For all tests: what is done once for the thousands of processes that they start, and which come first."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What Python has compiled is kept, as it is where bulkexo is installed: containers like to switch that off.

os.environ["SSL_CERT_FILE"] = os.devnull
# The system's certificates serve nobody here, and every process would read them two to four times.

SLOW = ("docs", "chaos", "client", "e2e", "hostile", "cluster", "speed", "sandbox", "report")
"""Rooms whose tests start processes or browsers, those of the longest files first."""
APART = "tests/docs/test_pages.py::test_the_page_holds"
"""A test whose cases share nothing and take long."""
SITE = ("tests/docs/test_browser.py", "tests/docs/test_site.py")
"""Files that look at the docs' site, which is then built once and not in each worker."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow rooms first, so that none of their files is left when all else is done."""
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    room = nodeid.split("/")[1]
    return SLOW.index(room) if room in SLOW else len(SLOW)


class _Files(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """The tests of a file run in one process, for the tenant that they share, in the order above."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(APART):
            return nodeid
        file = nodeid.partition("::")[0]
        return "site" if file in SITE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Files | None:
    """What `--dist loadfile` means here."""
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return _Files(config, log)

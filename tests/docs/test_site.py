"""The site builds without a warning, fetches nothing, and no link in it or in the README leads nowhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

from tests.docs.stage import ROOT

OUTSIDE = [ROOT / "README.md", ROOT / "jobs" / "README.md"]
"""Pages that are read on their own."""
FETCHING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places.add(given.get("id") or "")
        if tag == "a" and (link := given.get("href")):
            self.links.append(link)
        if (loaded := given.get(FETCHING.get(tag, ""))) and given.get("rel") not in ("search", "index"):
            self.loads.append(loaded)


def test_every_page_is_in_it(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").glob("**/*.md")}
    assert {path for path in pages if not (site / path).is_file()} == set()
    assert len(pages) > 5


def test_nothing_is_fetched_and_no_link_leads_nowhere(site: Path) -> None:
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.glob("**/*.html")}
    for path, page in pages.items():
        for loaded in page.loads:
            assert not urlsplit(loaded).netloc, f"{path.name} fetches {loaded}"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name} links to {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].places, f"{path.name} links to {link}"


def test_what_is_made_from_the_code_stands_there(site: Path) -> None:
    for name, words in {
        "commands": ["bulkexo resume", "--accept-changed-input", "bulkexo catalogue refresh"],
        "options": ["--max-failures N|N%", "--client-id GUID"],
        "job-file": ["retry_not_found", "waves: [10, 500, 5%, rest]"],
        "messages": ["AADSTS700016", "bulkexo:changed-since", "is not the folder of a run"],
    }.items():
        text = (site / "reference" / f"{name}.html").read_text(encoding="utf-8")
        shown = re.sub(r"<[^>]+>", "", text)
        assert [each for each in words if each not in shown] == []
        assert "made:" not in shown


@pytest.mark.parametrize("page", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_other_pages_lead_somewhere(page: Path) -> None:
    links = []
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        for inner in token.children or ():
            links += [inner.attrs[name] for name in ("href", "src") if name in inner.attrs]
    for link in links:
        parts = urlsplit(str(link))
        if not parts.scheme:
            assert (page.parent / unquote(parts.path)).exists(), link

"""The site: `make docs` builds it into build/docs. Nothing is fetched, neither to build it nor to read it.

Sphinx, MyST and furo, since teams keep them; their search works from a folder, without a server.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

from pygments.lexers import JsonLexer, TextLexer
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent.parent))

from tools.reference import MADE

project = "bulkexo"
author = "the authors of bulkexo"
version = release = version_of("bulkexo")
html_title = "bulkexo"
extensions = ["myst_parser"]
exclude_patterns = ["conf.py"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["own.css"]
smartquotes = False  # two hyphens begin an option
html_theme_options = {"footer_icons": []}
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

ACCESS = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    "<pre>": '<pre tabindex="0">',
}
"""What Sphinx leaves out: the level of a heading, and that what scrolls can be reached by keys."""

MARK = re.compile(r"<!-- made: (.+?) -->")


def fill_in(_app: Sphinx, _name: str, content: list[str]) -> None:
    """Put what is made from the code where a page asks for it."""
    content[0] = MARK.sub(lambda found: MADE[found[1]](), content[0])


def make_accessible(app: Sphinx, error: Exception | None) -> None:
    """Add it to the pages that were written."""
    for path in () if error else Path(app.outdir).glob("**/*.html"):
        text = path.read_text(encoding="utf-8")
        for written, meant in ACCESS.items():
            text = text.replace(written, meant)
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect it, and tell Pygments what it does not know."""
    app.add_lexer("csv", TextLexer)
    app.add_lexer("ndjson", JsonLexer)
    app.add_lexer("crontab", TextLexer)
    app.connect("source-read", fill_in)
    app.connect("build-finished", make_accessible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""report.html: one file that shows a run, to be read anywhere, from a mail attachment too.

`gather` passes once over the results; `curve` has what changes over time, `rows` the table of items, `told`
what run.json says; `charts` draws; `page` puts it together from page.html, page.css and page.js.
"""

from bulkexo.report.html.page import write_report

__all__ = ["write_report"]

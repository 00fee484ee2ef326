"""`run --dry-run`: everything but the sending."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import orjson

from bulkexo.cli.terminal import put, say
from bulkexo.job import Checked, Job
from bulkexo.model import Item
from bulkexo.options import Options
from bulkexo.redact import HIDDEN
from bulkexo.schedule import Lanes
from bulkexo.wire import Service, pack
from bulkexo.wire.doors import Host
from bulkexo.wire.message import app_anchor

AHEAD = 1000
"""Items among which the first batch is looked for: steps of a row, or items of a mailbox, share none."""


def show(job: Job, checked: Checked, options: Options) -> None:
    """Counts by cmdlet on stderr, and the first batch as it would go on stdout; nothing is sent. options: of
    the first tenant."""
    for name, count in checked.by_cmdlet.items():
        say(f"{count:>10,}  {name}")
    tenant = options.tenant or "<tenant>"
    questions = [question.item for question in job.questions]
    if questions:
        say("The rows are asked for first; what follows depends on them, and is checked before it is sent.")
    named = next(iter(checked.tenants), "")
    of_first = (item for item in questions or job.items() if item.tenant == named)
    lanes = Lanes(options.order)
    for item in islice(of_first, AHEAD):
        lanes.add(_masked(item), f"<request-id of row {item.row}>")
    together = [ticket.call() for ticket in lanes.take(options.batch_size)]
    here = together[0].door
    endpoints = {Host.EXCHANGE: options.connection.endpoint, Host.COMPLIANCE: options.connection.compliance}
    service = Service(
        endpoints[here.host],
        tenant,
        app_anchor(tenant),
        "<connection-id>",
        response_format=options.response_format,
    )
    request = pack(service, together, "<token>")
    what, end = "batch" if len(together) > 1 else "request", ":" if request.body else ""
    say(f"The first {what}, {request.method} {request.url}{end}")
    if request.body:
        pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        put(orjson.dumps(orjson.loads(request.body), option=pretty))
    say("This was a dry run: nothing was sent.")


def _masked(item: Item) -> Item:
    shown = {name: HIDDEN if name in item.secrets else value for name, value in item.parameters.items()}
    plain = {name: form for name, form in item.forms.items() if name not in item.secrets}
    return replace(item, parameters=shown, forms=plain)

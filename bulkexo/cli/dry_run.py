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
from bulkexo.wire import Call, Service, pack
from bulkexo.wire.message import app_anchor


def show(job: Job, checked: Checked, options: Options) -> None:
    """Counts by cmdlet on stderr, and the first batch as it would go on stdout; nothing is sent."""
    for name, count in checked.by_cmdlet.items():
        say(f"{count:>10,}  {name}")
    tenant = options.tenant or "<tenant>"
    service = Service(options.connection.endpoint, tenant, app_anchor(tenant), "<connection-id>")
    first = [_masked(item) for item in islice(job.items(), options.batch_size)]
    request = pack(service, [_call(item) for item in first], "<token>")
    say(f"The first batch, POST {request.url}:")
    body = orjson.dumps(orjson.loads(request.body), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    put(body)
    say("This was a dry run: nothing was sent.")


def _masked(item: Item) -> Item:
    shown = {name: HIDDEN if name in item.secrets else value for name, value in item.parameters.items()}
    return replace(item, parameters=shown)


def _call(item: Item) -> Call:
    return Call(f"<request-id of row {item.row}>", item.cmdlet, item.parameters, select=item.select)

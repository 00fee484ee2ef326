"""One cmdlet: bind, run, shape the answer, write the journal. No sockets, no clock of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any

import orjson

from bulkexo.sandbox import clixml, language, modulefile, parameters, reply, rest
from bulkexo.sandbox.errors import CmdletError
from bulkexo.sandbox.journal import Journal
from bulkexo.sandbox.keys import Keys
from bulkexo.sandbox.odata import Question
from bulkexo.sandbox.options import SandboxOptions
from bulkexo.sandbox.paging import EXPIRED, Backend, Cursor, Cursors
from bulkexo.sandbox.registry import IGNORES_WHAT_IF, Cmdlet, cmdlets
from bulkexo.sandbox.replica import Replica
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.sites import Service
from bulkexo.sandbox.tenant import Result, Run, Tenant
from bulkexo.sandbox.views import Row

MORE = (
    "There are more results available than are currently displayed. To view them, increase the value for the "
    "ResultSize parameter."
)
LARGEST_PAGE = 1000
DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class Call:
    """A cmdlet that a request asks for, once the request itself was found in order.

    parameters: as they came. select, page_size: from `$select` and `Prefer`. cursor: the token of a
    nextLink, or None. url: of InvokeCommand, without its query. connection, anchor, client_request_id:
    headers. cookie: that came, issued: that goes with the answer if none came. routed: whether the anchor
    is said to be the mailbox that a parameter names. clixml: how objects are wanted. languages:
    `Accept-Language`. question: of a GET, which is a cmdlet of the REST-only kind; url is then the
    tenant's.
    """

    id: str
    cmdlet: str
    parameters: Mapping[str, Any]
    url: str
    service: Service = Service.EXCHANGE
    select: tuple[str, ...] | None = None
    page_size: int = DEFAULT_PAGE
    cursor: str | None = None
    connection: str = ""
    anchor: str = ""
    client_request_id: str = ""
    cookie: str = ""
    issued: str = ""
    routed: bool = False
    clixml: bool = False
    languages: str = ""
    question: Question | None = None

    def backend(self, cookie: str) -> Backend:
        """What a cursor of this call is tied to."""
        asked = [self.cmdlet, self.parameters]
        if self.question is not None:
            asked = [self.question.path, self.question.query]
        body = orjson.dumps(asked, option=orjson.OPT_NON_STR_KEYS)
        return Backend(self.connection, self.anchor, blake2b(body, digest_size=16).digest(), cookie)

    @property
    def context(self) -> str:
        """The URL before `$metadata`."""
        return self.url.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class _Page:
    """Objects; the token of what comes after them; whether there are more, wanted or not."""

    rows: list[Row]
    token: str | None = None
    more: bool = False


class Engine:
    """Runs cmdlets on the tenant. `stats` counts: items_run, writes_changed, items_failed, …"""

    def __init__(self, options: SandboxOptions, journal: Journal | None = None) -> None:
        self.tenant = _tenant(options)
        self._replica = (
            Replica(_tenant(options), options.read_lag / options.speed) if options.read_lag else None
        )
        self.stats: Counter[str] = Counter()
        self._cmdlets = cmdlets()
        self.keys = Keys(options.rotate_key_every)
        self._cursors = Cursors(options.cursor_lifetime)
        self._journal = journal
        self._tenant_id = options.tenant_id
        self._language = options.language

    def run(self, call: Call, *, now: float, stamp: str) -> Reply:
        """Run the call and answer it.

        now: seconds, for cursors. stamp: the moment, as the service writes it.
        """
        cmdlet = self._cmdlets.get(call.cmdlet.lower())
        if call.question is None and (cmdlet is None or call.service not in cmdlet.services):
            return reply.forbidden_cmdlet()
        self.stats["items_run"] += 1
        try:
            if cmdlet is not None:
                answer = self._run(cmdlet, call, now, stamp)
            else:
                answer = self._read(call, now, stamp)
        except CmdletError as error:
            self.stats["items_failed"] += 1
            foreign = language.speaks(self._language, call.languages)
            answer = reply.failure(language.error_in(error) if foreign else error)
        answer.headers["Cmdlet-Name"] = call.cmdlet if cmdlet is None else cmdlet.name
        return answer

    def asked(self, token: str, now: float) -> Cursor | None:
        """What a nextLink is of: its cmdlet and parameters."""
        return self._cursors.asked(token, now)

    def _read(self, call: Call, now: float, stamp: str) -> Reply:
        """A GET."""
        question = call.question
        resource = None if question is None else rest.find(question)
        if question is None or resource is None:
            return reply.problem(404, "NotFound", "Resource not found for the segment of the request URI.")
        cursor = self._cursor(call, now)
        if isinstance(cursor, Reply):
            return cursor
        select = rest.selected(question, resource)
        signature = self._cmdlets[resource.twin.lower()].signature
        seen = self.tenant if self._replica is None else self._replica.at(now)
        result = resource.read(Run(seen, signature, rest.bound(question), select, stamp), question)
        if rest.is_entity(question, resource):
            (row,) = rest.shaped(result.value, select, resource)
            return reply.entity(f"{question.base}/$metadata#{question.path}", row)
        page = self._page(call, result, cursor, select, now)
        link = None
        if page.token is not None:
            query = "&".join(part for part in (question.query, f"$skiptoken={page.token}") if part)
            link = f"{question.base}/{question.path}?{query}"
        rows = rest.shaped(page.rows, select, resource)
        return reply.collection(f"{question.base}/$metadata#{question.path}", rows, link)

    def _cursor(self, call: Call, now: float) -> Cursor | Reply | None:
        """Where a list goes on; a refusal; or None for the start."""
        if call.cursor is None:
            return None
        cursor = self._cursors.take(call.cursor, call.backend(call.cookie), now)
        return reply.problem(400, "BadRequest", EXPIRED) if cursor is None else cursor

    def module_file(self, context: str, service: Service, wanted: str, now: float) -> Reply:
        """EXOModuleFile. context: the URL before `$metadata`. wanted: which cmdlets, by `CommandName`."""
        granted = [each.signature for each in self._cmdlets.values() if service in each.services]
        return modulefile.module_file(context, granted, wanted, self.keys.xml(now))

    def _run(self, cmdlet: Cmdlet, call: Call, now: float, stamp: str) -> Reply:
        if call.routed and not self._leads_there(call):
            self.stats["misrouted_items"] += 1
        bound = parameters.bind(cmdlet.signature, call.parameters, partial(self.keys.unseal, now=now))
        if cmdlet.writes and bound.get("Confirm"):
            question = (
                f'Are you sure you want to perform this action?\n{cmdlet.name} "{bound.get("Identity", "")}".'
            )
            return reply.confirmation(call.context, question)
        if cmdlet.writes and bound.get("WhatIf") and cmdlet.name not in IGNORES_WHAT_IF:
            return reply.success(call.context, [], [])
        cursor = self._cursor(call, now)
        if isinstance(cursor, Reply):
            return cursor
        select = cursor.select if cursor else call.select
        seen = self.tenant if self._replica is None or cmdlet.writes else self._replica.at(now)
        result = cmdlet.handler(Run(seen, cmdlet.signature, bound, select, stamp))
        if result.changed and self._replica is not None:
            self._replica.note(cmdlet, bound, stamp, now)
        if result.changed is not None:
            self._record(cmdlet, call, stamp, changed=result.changed)
        page = self._page(call, result, cursor, select, now)
        warnings = [*result.warnings, MORE] if page.more and not result.unlimited else result.warnings
        if language.speaks(self._language, call.languages):
            warnings = [language.localised(warning) for warning in warnings]
        link = None if page.token is None else f"{call.url}?%24skiptoken={page.token}"
        rows: list[Any] = clixml.wrapped(page.rows) if call.clixml else page.rows
        return reply.success(call.context, rows, warnings, link)

    def _leads_there(self, call: Call) -> bool:
        """Whether the anchor is the mailbox that `Identity` (or `Mailbox`) names."""
        lookup = self.tenant.directory.lookup
        given = {name.lower(): value for name, value in call.parameters.items()}
        named = str(given.get("identity") or given.get("mailbox") or "").partition(":")[0]
        return lookup(call.anchor.partition(":")[2]) == lookup(named) != []

    def _record(self, cmdlet: Cmdlet, call: Call, stamp: str, *, changed: bool) -> None:
        self.stats["writes_changed" if changed else "writes_unchanged"] += 1
        if self._journal is not None:
            self._journal.write(
                time=stamp,
                tenant=self._tenant_id,
                signature=cmdlet.signature,
                parameters=call.parameters,
                client_request_id=call.client_request_id,
                changed=changed,
            )

    def _page(
        self, call: Call, result: Result, cursor: Cursor | None, select: tuple[str, ...] | None, now: float
    ) -> _Page:
        """One page of a scan, or all there is.

        `ResultSize Unlimited` makes the warning go away, and the nextLink where everything fits into the
        largest page: that is how this sandbox reads what was measured (`protocol.md`, "Request").
        """
        if result.scan is None:
            return _Page(result.value)
        after, given = (cursor.after, cursor.given) if cursor else (0, 0)
        size = LARGEST_PAGE if result.unlimited else call.page_size
        left = size if result.result_size is None else min(size, result.result_size - given)
        found = list(islice(result.scan(after), left + 1))
        token = None
        more = len(found) > left
        if more and left > 0 and (result.result_size is None or given + left < result.result_size):
            backend = call.backend(call.cookie or call.issued)
            last = found[left - 1][0]
            token = self._cursors.give(
                Cursor(backend, call.cmdlet, call.parameters, last, given + left, select), now
            )
        return _Page([row for _, row in found[:left]], token, more=more)


def _tenant(options: SandboxOptions) -> Tenant:
    return Tenant(options.seed, options.mailboxes, options.domain, options.synced)

"""The pretend tenant: an Exchange Online admin API and its sign-in, over real HTTPS, on this machine.

It stands apart from the rest of the house: it shares no code with it and reads the wire for itself
(`protocol.md`), so that a mistake made on one side shows on the other. `bulkexo sandbox` serves it;
tests start it as a process or call `serve` inside their own event loop.

    def ready(served: Announcement) -> None: ...     # called once, when connections are accepted
    await serve(SandboxOptions(mailboxes=200), ready)  # runs until cancelled

Rooms: `options` and `timing` (what was asked for), `certificate`, `people`, `directory` and `replica` (what
exists, and what of it reads see), `parameters`, `values` and `keys` (how a cmdlet's parameters are bound),
the cmdlets themselves (`mailboxes`, `owners`, `users`, `groups`, `contacts`, `dynamic`, `permissions`,
`folders`, `rules`, `devices`, `organization`, `compliance`, joined by `registry`), `odata` and `rest` (the
REST-only ones), `v2` and `modulefile` (the other endpoints), `reply`, `clixml`, `paging`, `batch` (the shapes
of answers), `throttle`, `faults`, `mishaps` (what goes wrong, when and how), `engine` (one cmdlet), `perform`
(one request), `sites`, `adminapi`, `answers` and `server` (the sockets). Of the sign-in: `authority` (the
token endpoint), `proof` and `material` (how the app shows who it is), `device_codes` and `browser` (how
people do), `managed` (identities of machines), `tokens` (what was given), `gate` (whom the service lets in),
`aadsts` (the words of refusals), `trouble` and `control` (what fails on demand), `signin` (its addresses).
"""

from __future__ import annotations

from collections.abc import Callable

from bulkexo.sandbox.options import Announcement, SandboxOptions

__all__ = ["Announcement", "SandboxOptions", "serve"]


async def serve(options: SandboxOptions, ready: Callable[[Announcement], object]) -> None:
    """Serve the tenant that `options` describes, and its `others`, until cancelled.

    `ready` is called once, as soon as connections are accepted. The temporary folder with the CA
    certificate is deleted at the end.
    """
    from bulkexo.sandbox.server import serve as serve_tenant  # noqa: PLC0415  (aiohttp is slow to import)

    await serve_tenant(options, ready)

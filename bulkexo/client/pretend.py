"""A pretend tenant for a program's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bulkexo.client.setup import ClientOptions
from bulkexo.embedded import sandbox


@asynccontextmanager
async def pretend_tenant(options: str = "") -> AsyncIterator[ClientOptions]:
    """A tenant on this machine for as long as the block lasts, as the options of a Client that reach it.

        async with bulkexo.pretend_tenant("--mailboxes 50 --faults 20") as tenant:
            async with bulkexo.Client(**tenant) as client:
                …

    options: as `bulkexo sandbox` takes them, in a line. Raises UsageError if it does not start.
    """
    async with sandbox(options) as there:
        yield {
            "tenant": there.tenant,
            "endpoint": there.endpoint,
            "compliance_endpoint": there.compliance,
            "authority": there.authority,
            "ca_file": there.ca_file,
            "client_id": there.client_id,
            "client_secret": there.secret,
        }

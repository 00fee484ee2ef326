"""Who signed in, as run.json keeps it: read from the token, and never the token itself. Pure. Floor 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bulkexo.journal.lines import sound, timestamp
from bulkexo.wire.token import Bearer

LONGEST = 256
"""Letters of a claim that are kept; a token from elsewhere can say anything."""


def signed_in(who: Iterable[tuple[str, Bearer]], earlier: Any, now: float) -> list[dict[str, str]]:
    """Whom each tenant of a run was signed in to as, each once, in the order in which they first were.

    who: the tenants, by their names in the job, and what their tokens say. earlier: the same list as run.json
    has it, of a run that is gone on with. now: seconds since the epoch. A token that says nothing adds
    nothing. Members, those that are known: `tenant` (its name in the job), `tenant_id`, `user`, `app` (its
    id), `app_name`, `object_id`, and `at`, since when.
    """
    found = [dict(each) for each in earlier or () if isinstance(each, Mapping)]
    known = [_apart(each) for each in found]
    for tenant, bearer in who:
        claims = {
            "tenant_id": bearer.tenant,
            "user": bearer.user,
            "app": bearer.app,
            "app_name": bearer.app_name,
            "object_id": bearer.subject,
        }
        said = {name: sound(text[:LONGEST]) for name, text in claims.items() if text}
        each = {**({"tenant": tenant} if tenant else {}), **said}
        if said and each not in known:
            known.append(each)
            found.append({**each, "at": timestamp(now)})
    return found


def _apart(each: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in each.items() if name != "at"}

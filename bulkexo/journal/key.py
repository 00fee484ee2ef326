"""What a row is known by, beside its number: cmdlet and parameters, as a short hash."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from bulkexo.model import Item

OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def key(item: Item) -> str:
    """16 hexadecimal digits; the same for the same cmdlet, step, tenant and parameters, whatever their order.

    Secret values are left out: a hash of a weak password would give it away. Parameters that earlier steps
    fill in count as the job writes them.
    """
    given = item.parameters if item.written is None else item.written
    if item.secrets:
        given = {name: value for name, value in given.items() if name not in item.secrets}
    of_tenant = (item.tenant,) if item.tenant else ()
    try:
        text = orjson.dumps((item.cmdlet, item.step, given, *of_tenant), option=OPTIONS, default=_plain)
    except TypeError:  # a text that is no Unicode
        named: list[Any] = [item.cmdlet, item.step, dict(given), *of_tenant]
        text = repr(named).encode("utf-8", "backslashreplace")
    return blake2b(text, digest_size=8).hexdigest()


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else list(value)

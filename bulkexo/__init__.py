"""bulkexo: bulk Exchange Online changes and reports, with the outcome of every item.

For programs: `Client`, `call` and what they give and raise; docs/python.md shows them at work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bulkexo.client import Client, ClientOptions, Objects, Outcomes
    from bulkexo.client.errors import FailedError, NotFoundError, UnknownFateError
    from bulkexo.client.pretend import pretend_tenant
    from bulkexo.job.calls import CallWarning, call
    from bulkexo.model import (
        BulkexoError,
        Failure,
        Item,
        Outcome,
        SignInError,
        Status,
        StoppedError,
        UsageError,
    )

__version__ = "0.1.0"
__all__ = [
    "BulkexoError",
    "CallWarning",
    "Client",
    "ClientOptions",
    "FailedError",
    "Failure",
    "Item",
    "NotFoundError",
    "Objects",
    "Outcome",
    "Outcomes",
    "SignInError",
    "Status",
    "StoppedError",
    "UnknownFateError",
    "UsageError",
    "__version__",
    "call",
    "pretend_tenant",
]

_FROM = {
    "bulkexo.client": ("Client", "ClientOptions", "Objects", "Outcomes"),
    "bulkexo.client.errors": ("FailedError", "NotFoundError", "UnknownFateError"),
    "bulkexo.client.pretend": ("pretend_tenant",),
    "bulkexo.job.calls": ("CallWarning", "call"),
    "bulkexo.model": (
        "BulkexoError",
        "Failure",
        "Item",
        "Outcome",
        "SignInError",
        "Status",
        "StoppedError",
        "UsageError",
    ),
}
_WHERE = {name: module for module, names in _FROM.items() for name in names}
"""Imported when they are first named: `import bulkexo` is instant, and so is `bulkexo --help`."""


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'bulkexo' has no attribute {name!r}")
    import importlib  # noqa: PLC0415

    found = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""The words among which an option chooses. Floor 0, so that the command line is there before the engine."""

from __future__ import annotations

from enum import StrEnum


class Order(StrEnum):
    """What keeps the order of the job (contract, `--order`)."""

    IDENTITY = "identity"
    NONE = "none"
    FILE = "file"


class OnUnknown(StrEnum):
    """What to do about an item whose fate cannot be found out (`--on-unknown`)."""

    RESEND = "resend"
    SKIP = "skip"
    ASK = "ask"


class Format(StrEnum):
    """How replies come (`--response-format`)."""

    JSON = "json"
    CLIXML = "clixml"

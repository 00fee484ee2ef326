"""What the text of an option says: each raises ValueError with a sentence where it makes no sense."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulkexo.choices import Format, OnUnknown, Order
from bulkexo.connection import Auth
from bulkexo.dated import check_name
from bulkexo.wire.hosts import CLOUDS, origin

LATEST = "latest"
"""In the place of an earlier run: the newest one of the same job."""
SIGNERS = ("coordinator", "worker")
LEVELS = ("debug", "info", "warning", "error")
SAMPLE = 100
"""Items that must have ended before a share of failures means anything."""


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """`--max-failures`: a number of items, or a share (0 to 1) of those that ended."""

    count: float = math.inf
    share: float = math.inf

    def reached(self, trouble: int, done: int) -> bool:
        """Whether the run should stop. A share counts from 100 items on; it must be exceeded."""
        return trouble >= self.count or (done >= SAMPLE and trouble > self.share * done)


def text(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool) or not str(value).strip():
        raise ValueError("Give a text.")
    return str(value)


def tenant(value: Any) -> str:
    text = str(value).strip()
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,250}", text):
        raise ValueError("Give the initial domain, such as contoso.onmicrosoft.com, or the tenant's GUID.")
    return text


def lines(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(line for line in value.splitlines() if line.strip())
    if isinstance(value, list | tuple):
        return tuple(text(member) for member in value)
    raise ValueError("Give NAME=VALUE, several in lines of their own.")


def path(value: Any) -> Path:
    try:
        return Path(text(value)).expanduser()
    except RuntimeError:
        raise ValueError("There is no such home folder: write the path in full.") from None


def named(value: Any) -> Path:
    """A path in which `${date}` and the like may stand (see dated.py)."""
    found = path(value)
    check_name(str(found))
    return found


def several_named(value: Any) -> tuple[Path, ...]:
    """Such paths, each a line or a member of a list."""
    return tuple(map(named, lines(value)))


def names(value: Any) -> tuple[str, ...]:
    """Names, each alone or several with commas."""
    found = tuple(name.strip() for each in lines(value) for name in each.split(",") if name.strip())
    if not found:
        raise ValueError("Give names, with commas.")
    return found


def earlier(value: Any) -> Path | str:
    """A run's folder, or `latest`."""
    return LATEST if str(value).strip().lower() == LATEST else path(value)


def share(value: Any) -> float:
    """`10%` → 0.1."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*%", str(value).strip(), re.ASCII)
    if match is None:
        raise ValueError("Give a share such as 10%.")
    return float(match[1]) / 100


def url(value: Any) -> str:
    if isinstance(value, str):
        return origin(value.strip())
    raise ValueError("Give a URL.")


def switch(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off", ""):
        return False
    raise ValueError("Give true or false.")


def positive(value: Any) -> float:
    try:
        number = float(text(value))
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise ValueError("Give a number above 0.")
    return number


def whole(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"Give a whole number from {low} to {high}.")
        return int(text)

    return parse


def lease(value: Any) -> float:
    """Seconds for which a worker may go on without a word; clocks and networks set the bounds."""
    number = positive(value)
    if not 2 <= number <= 600:
        raise ValueError("Give a number of seconds from 2 to 600.")
    return number


def scheduler(value: Any) -> str:
    """The address of Dask's scheduler."""
    found = re.fullmatch(r"(tcp|tls)://([^\s/:@]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})/?", str(value).strip())
    if found is None or not 0 < int(found[3]) < 65536:
        raise ValueError("Give the scheduler as tls://host:8786, or tcp://host:8786 where it has no TLS.")
    return found[0].rstrip("/")


def listen(value: Any) -> str:
    """A host of this machine, with a port or without."""
    found = re.fullmatch(r"([^\s/:@]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?", str(value).strip())
    if found is None or not 0 <= int(found[2] or 0) < 65536:
        raise ValueError("Give a host or an address of this machine, with :port or without.")
    return found[0]


def signer(value: Any) -> str:
    name = str(value).strip().lower()
    if name not in SIGNERS:
        raise ValueError(f"Give {' or '.join(SIGNERS)}.")
    return name


def limit(value: Any) -> FailureLimit:
    text = str(value).strip()
    if not isinstance(value, bool) and (match := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)(%?)", text)):
        number = float(match[1])
        if match[2] and number <= 100:
            return FailureLimit(share=number / 100)
        if not match[2] and number >= 1 and number.is_integer():
            return FailureLimit(count=number)
    raise ValueError("Give a number of items such as 50, or a share such as 2%.")


def cloud(value: Any) -> str:
    name = str(value).strip().lower()
    if name not in CLOUDS:
        raise ValueError(f"Give one of {', '.join(CLOUDS)}.")
    return name


def auth(value: Any) -> Auth:
    try:
        return Auth(str(value).strip().lower())
    except ValueError:
        raise ValueError(f"Give one of {', '.join(Auth)}.") from None


def format(value: Any) -> str:
    try:
        wanted = Format(str(value).strip().lower())
    except ValueError:
        raise ValueError("Give json or clixml.") from None
    if wanted is Format.CLIXML:
        from bulkexo.wire.clixml import MISSING, available  # noqa: PLC0415 (few runs ask for it)

        if not available():
            raise ValueError(MISSING)
    return wanted.value


def order(value: Any) -> Order:
    try:
        return Order(text(value).strip().lower())  # and not None, whose name is that of an order
    except ValueError:
        raise ValueError("Give identity, none or file.") from None


def level(value: Any) -> str:
    name = str(value).strip().lower()
    if name not in LEVELS:
        raise ValueError(f"Give one of {', '.join(LEVELS)}.")
    return name


def on_unknown(value: Any) -> OnUnknown:
    try:
        return OnUnknown(str(value).strip().lower())
    except ValueError:
        raise ValueError("Give skip, resend or ask.") from None

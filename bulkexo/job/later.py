"""What a later step takes from an earlier one: values with holes, filled when that one has ended. Pure.

A hole is a Ref, which keeps the type of what it names, or a Joined, a text with Refs in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bulkexo.facts.catalogue import Kind
from bulkexo.job import cells
from bulkexo.job.paths import Missing, Ref
from bulkexo.model import Earlier, UnboundError, Value
from bulkexo.redact import HIDDEN


@dataclass(frozen=True, slots=True)
class Joined:
    """A text of parts, in which the row's own cells stand already."""

    parts: tuple[str | Ref, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A parameter's value with holes, of a kind (None: not known)."""

    value: Any
    kind: Kind | None

    def text(self) -> Value:
        """The value as the job writes it."""
        found: Value = _written(self.value)
        return found

    def fill(self, earlier: Earlier, *, secret: bool = False) -> Value:
        """The value itself. Raises UnboundError, which does not quote a secret one."""
        try:
            filled: Value = _filled(self.value, earlier)
            return cells.typed(self.kind, filled)
        except Missing as missing:
            raise UnboundError(str(missing)) from None
        except cells.BadCell as bad:
            shown = "The value" if secret else _quoted(bad.shown)
            raise UnboundError(f"{shown} {bad.what}" if bad.shown else bad.what) from None


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _written(value: Any) -> Any:
    if isinstance(value, Ref):
        return f"${{{value}}}"
    if isinstance(value, Joined):
        return "".join(part if isinstance(part, str) else f"${{{part}}}" for part in value.parts)
    if isinstance(value, Mapping):
        return {name: _written(member) for name, member in value.items()}
    return [_written(member) for member in value] if isinstance(value, list) else value


def _filled(value: Any, earlier: Earlier) -> Any:
    if isinstance(value, Ref):
        return _known(value, earlier)
    if isinstance(value, Joined):
        return "".join(part if isinstance(part, str) else _text(part, earlier) for part in value.parts)
    if isinstance(value, Mapping):
        return {name: _filled(member, earlier) for name, member in value.items()}
    if isinstance(value, list):
        return [each for member in value for each in _spread(member, earlier)]
    return value


def _spread(member: Any, earlier: Earlier) -> Sequence[Any]:
    """A member of an array; one that names a list stands for all of its values."""
    value = _filled(member, earlier)
    return value if isinstance(member, Ref) and isinstance(value, list) else [value]


def _known(ref: Ref, earlier: Earlier) -> Any:
    """What it names; where a secret was hidden in it, as in what `resume` reads back, that is not sent."""
    value = ref.find(earlier)
    if HIDDEN in str(value):
        raise UnboundError(
            f"{ref} holds {HIDDEN}, where a secret was left out: what stood there is not known any more. "
            "Set it by hand, or run the row again from its first step."
        )
    return value


def _text(ref: Ref, earlier: Earlier) -> str:
    value = _known(ref, earlier)
    if value is None:
        raise UnboundError(f"{ref} is null, and cannot be part of a text.")
    if isinstance(value, Mapping | list):
        raise UnboundError(f"{ref} is a list or an object, and cannot be part of a text.")
    return cells.as_text(value)

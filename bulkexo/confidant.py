"""What a run has told the service in confidence, so that later answers are written down without it. Floor 0.

An item's own answer is without its secrets anyway (wire/discreet.py). But what one item has written, another
may read: so the texts of the last secrets that were sent are kept, as many as a bounded memory holds, and are
looked for in all that is about to be written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bulkexo.model import Failure, Item, Outcome, Page
from bulkexo.redact import HIDDEN, blot, secret_texts

MOST = 30_000
"""Texts that are kept: a secret is 3 to 15 of them, as it is written in JSON, URLs, base64 and so on."""
LETTERS = 4_000_000
"""Letters that they may have together."""
START = 5
"""Letters by which a secret is found inside a longer text. What is shorter, or looks like a part of a GUID or
of a date, is hidden only where it is the whole of a value: with thousands of secrets it would be found in
any."""
PART_OF_ANY = re.compile(r"[0-9A-Fa-f]{1,7}|.{1,4}", re.DOTALL)


class Confidant:
    """constants: texts of secrets that are kept to the end, those that stand in the job itself. most,
    letters: of the others."""

    def __init__(self, constants: Iterable[str] = (), *, most: int = MOST, letters: int = LETTERS) -> None:
        self._most = most
        self._letters = letters
        self._held = 0
        self._constants = frozenset(constants)
        self._latest: dict[str, None] = {}  # the one that was told last is the last
        self._starts: dict[str, dict[int, int]] = {}  # to the lengths of those that begin so, and how many
        for text in self._constants:
            self._add_start(text)

    def note(self, texts: Iterable[str]) -> None:
        """These are about to be sent; see `redact.secret_texts`. The oldest give way to them."""
        for text in texts:
            if text in self._constants:
                continue
            if text in self._latest:
                del self._latest[text]
            else:
                self._held += len(text)
                self._add_start(text)
            self._latest[text] = None
        while len(self._latest) > self._most or self._held > self._letters:
            self._forget(next(iter(self._latest)))

    def hear(self, item: Item) -> None:
        """An item was sent by an earlier process of the run."""
        if item.secrets:
            self.note(secret_texts(item))

    def hide(self, value: Any) -> Any:
        """The same value with `***` for every secret text in it that is known."""
        return self._hidden(value, {}) if self.knowing else value

    @property
    def knowing(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._latest or self._constants)

    def outcomes(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """The same without them."""
        return [self._outcome(each) for each in outcomes] if self.knowing else outcomes

    def pages(self, pages: Sequence[Page]) -> Sequence[Page]:
        """The same without them."""
        if not self.knowing:
            return pages
        return [replace(each, value=self.hide(each.value)) for each in pages]

    def _outcome(self, outcome: Outcome) -> Outcome:
        error = outcome.error
        if not (outcome.value or outcome.warnings or error):
            return outcome
        if error is not None:
            error = Failure(*map(self.hide, (error.code, error.type, error.message, error.target)))
        value, warnings = self.hide(outcome.value), self.hide(outcome.warnings)
        return replace(outcome, value=value, warnings=warnings, error=error)

    def _hidden(self, value: Any, seen: dict[str, str]) -> Any:
        if isinstance(value, str):
            if value not in seen:
                seen[value] = self._text(value)
            return seen[value]
        if isinstance(value, Mapping):
            return {self._hidden(name, seen): self._hidden(each, seen) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._hidden(each, seen) for each in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self._knows(str(value)):
            return HIDDEN
        return value

    def _text(self, text: str) -> str:
        if self._knows(text):
            return HIDDEN
        starts = self._starts
        found = {
            secret
            for at in range(len(text) - START + 1)
            if (start := text[at : at + START]) in starts
            for length in starts[start]
            if self._knows(secret := text[at : at + length]) and not PART_OF_ANY.fullmatch(secret)
        }
        return blot(text, sorted(found, key=len, reverse=True)) if found else text

    def _knows(self, text: str) -> bool:
        return text in self._latest or text in self._constants

    def _add_start(self, text: str) -> None:
        if not PART_OF_ANY.fullmatch(text):
            lengths = self._starts.setdefault(text[:START], {})
            lengths[len(text)] = lengths.get(len(text), 0) + 1

    def _forget(self, text: str) -> None:
        del self._latest[text]
        self._held -= len(text)
        if PART_OF_ANY.fullmatch(text):
            return
        lengths = self._starts[text[:START]]
        lengths[len(text)] -= 1
        if not lengths[len(text)]:
            del lengths[len(text)]
        if not lengths:
            del self._starts[text[:START]]

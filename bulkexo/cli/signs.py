"""What a console can show: the characters of its encoding, and none that would steer it."""

from __future__ import annotations

from dataclasses import dataclass

NEEDED = (("━", "#"), ("╸", "#"), ("─", "-"), ("…", "..."), ("·", "-"))


@dataclass(frozen=True, slots=True)
class Signs:
    """encoding: of the stream. full, edge, empty: of a bar. more: for what is cut off. dot: between words."""

    encoding: str
    full: str
    edge: str
    empty: str
    more: str
    dot: str

    def shown(self, text: str) -> str:
        """The text without what the console cannot show, or would take for a command, on one line."""
        plain = "".join(letter if letter.isprintable() else " " for letter in text)
        return plain.encode(self.encoding, "replace").decode(self.encoding)


def signs(encoding: str) -> Signs:
    """What a stream of this encoding can show; one of an unknown encoding shows ASCII."""
    try:
        "".encode(encoding)
    except LookupError:
        encoding = "ascii"
    return Signs(encoding, *(fair if _can(fair, encoding) else plain for fair, plain in NEEDED))


def _can(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True

"""Files as text: which encoding, what cannot be read, a checksum on the way through."""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bulkexo.job.problems import Problems, changed, fail, printable

CHUNK: Final = 1 << 20
LINE_LIMIT: Final = 64 << 20
"""Characters in one line; a longer one is no job, and would not fit into memory."""

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252 (CP1252)"}


class _Hashed(io.FileIO):
    """A file that takes its own checksum as it is read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "r")
        self.digest = hashlib.sha256()

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        count = super().readinto(buffer) or 0
        self.digest.update(memoryview(buffer)[:count])
        return count

    def drain(self) -> None:
        buffer = bytearray(CHUNK)
        while self.readinto(buffer):
            pass


@dataclass(slots=True)
class TextFile:
    """A file and how to read it. encoding: Python's name. sound: every byte of it is text.

    mixed: it was valid UTF-8 beyond ASCII up to the place where it was not.
    sha256: hex, of the last pass that came to the end; stamp: size and time of change at its beginning.
    """

    path: Path
    encoding: str
    sound: bool
    mixed: bool = False
    sha256: str = field(default="", init=False)
    stamp: tuple[int, int] | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The file's name, as messages write it."""
        return printable(self.path.name, 200)

    def where(self, line: int) -> str:
        """A line of it, as messages write it."""
        return f"{self.name}, line {line}"

    def head(self, count: int) -> str:
        """The first `count` characters, line breaks as they are."""
        errors = "strict" if self.sound else "replace"
        with refusing(self.path), self.path.open(encoding=self.encoding, errors=errors, newline="") as text:
            return text.read(count)

    @contextmanager
    def reading(self) -> Iterator[io.TextIOWrapper]:
        """The text from its beginning, line breaks as they are; at the end the checksum is there.

        Raises JobError if the file cannot be read, or is no longer what `examine` has seen.
        """
        with refusing(self.path), _Hashed(self.path) as raw:
            stamp = stamp_of(self.path)
            errors = "strict" if self.sound else "replace"
            buffer = io.BufferedReader(raw, CHUNK)
            text = io.TextIOWrapper(buffer, encoding=self.encoding, errors=errors, newline="")
            yield text
            raw.drain()
            self.stamp, self.sha256 = stamp, raw.digest.hexdigest()

    def report(self, problems: Problems) -> None:
        """Tell the lines that are no text in the file's encoding."""
        if self.mixed:
            problems.warn(
                self.path,
                f"{self.name} begins as UTF-8 but is not UTF-8 throughout, so all of it is read as "
                f"{_NAMES['cp1252']}. If names look wrong, save it again as UTF-8.",
            )
        if self.sound:
            return
        with self.reading() as text:
            for number, line in enumerate(text, 1):
                if "\0" in line:
                    problems.add(
                        self.where(number),
                        "There is a NUL byte here, which no text holds.",
                        "Save the file again as UTF-8 (a UTF-16 file needs its byte order mark).",
                    )
                elif "\ufffd" in line:
                    problems.add(
                        self.where(number),
                        f"There are bytes here that are not {_NAMES[self.encoding]}.",
                        "Open the file where it came from and save it as UTF-8.",
                    )


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time of change in ns; None if the file cannot be asked."""
    with suppress(OSError, ValueError):
        found = path.stat()
        return found.st_size, found.st_mtime_ns
    return None


def require_file(path: Path) -> None:
    """Raise JobError for a folder, for a file that is not there, and for a name that cannot be."""
    if "\0" in str(path):
        fail(_shown(path), "The name of the file holds a NUL character.", "Check the name.")
    with refusing(path):
        if path.is_dir():
            fail(_shown(path), "This is a folder, not a file.", "Name the job file in it.")
        path.stat()


def examine(path: Path) -> TextFile:
    """Find out over the whole file how it is to be read. Raises JobError if it cannot be read at all."""
    require_file(path)
    with refusing(path):
        with path.open("rb") as file:
            head = file.read(4)
        encoding = next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")
        found = _scan(path, encoding)
        if found.valid or encoding != "utf-8":
            return TextFile(path, encoding, found.valid and not found.nul)
        mixed, encoding = found.beyond_ascii, "cp1252"
        found = _scan(path, encoding)
        return TextFile(path, encoding, found.valid and not found.nul, mixed)


@dataclass(slots=True)
class _Scan:
    valid: bool = True
    nul: bool = False
    beyond_ascii: bool = False


def _scan(path: Path, encoding: str) -> _Scan:
    """Read the file through as this encoding, up to the first byte that is not."""
    found = _Scan()
    decoder = codecs.getincrementaldecoder(encoding)()
    length = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                found.valid = False
                found.beyond_ascii |= not error.object[: error.start].isascii()
                return found
            found.nul |= "\0" in text
            found.beyond_ascii |= not text.isascii()
            if not chunk:
                return found
            end = max(text.rfind("\n"), text.rfind("\r"))
            length = len(text) - end if end >= 0 else length + len(text)
            if length > LINE_LIMIT:
                fail(
                    _shown(path),
                    "A line of this file is longer than 64 million characters.",
                    "Is it a job at all?",
                )


def _shown(path: Path) -> str:
    return printable(str(path), 500)


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Errors of the operating system about this file, as sentences."""
    try:
        yield
    except FileNotFoundError:
        fail(_shown(path), "There is no such file.", "Check the name and the folder.")
    except PermissionError:
        fail(
            _shown(path),
            "This file may not be read.",
            "Check its permissions, and whether a program holds it open.",
        )
    except UnicodeError:
        changed(_shown(path))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fail(
            _shown(path), f"This file cannot be read ({reason}).", "Check the name, the disk and the network."
        )

"""The code blocks of a page: what each is, and where. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

NAMED = re.compile(r"^# (?P<name>[\w./-]+\.\w+)$")
INFO_NAME = re.compile(r"\bname=(?P<name>\S+)")
EXIT_CODE = re.compile(r"\s# exit code (\d+)\b")
SANDBOX = re.compile(r"<!--\s*sandbox:\s*(?P<options>.*?)\s*-->", re.DOTALL)
KINDS = frozenset(
    "console yaml csv toml json ndjson python powershell ini crontab xml text".split()  # noqa: SIM905
)
"""What a block can be; each is checked in a way of its own."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. line: of its first line in the page, from 1. name: of the file that it is, if it is
    one."""

    kind: str
    line: int
    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block, and the output that the page shows of it. exit_code: the one expected."""

    line: int
    text: str
    output: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0, unless `# exit code N` stands behind it."""
        found = EXIT_CODE.search(self.text)
        return int(found[1]) if found else 0


def blocks(page: str) -> list[Block]:
    """The blocks of a page in order. Raises ValueError for one that says not what it is."""
    found = []
    for token in MarkdownIt("commonmark").parse(page):
        if token.type not in ("fence", "code_block"):
            continue
        assert token.map is not None
        kind, _, rest = token.info.strip().partition(" ")
        if token.type == "code_block":
            raise ValueError(f"line {token.map[0] + 1}: an indented block; fence it and say what it is")
        if kind.startswith("{"):
            continue  # a directive of MyST: the site's build checks it
        line = token.map[0] + 2
        if kind not in KINDS:
            raise ValueError(f"line {line - 1}: a block of {kind or 'nothing'}; one of {sorted(KINDS)}")
        found.append(Block(kind, line, token.content, _name(rest, token.content)))
    return found


def _name(info: str, text: str) -> str:
    given = INFO_NAME.search(info) or NAMED.match(text.partition("\n")[0])
    return given["name"] if given else ""


def sandbox_options(page: str) -> str | None:
    """What `<!-- sandbox: OPTIONS -->` in a page says of its tenant; None if it says nothing."""
    found = SANDBOX.search(page)
    return found["options"] if found else None


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block. A line that ends in a backslash goes on in the next.
    Raises ValueError for output before any command."""
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    if not starts or starts[0] != 0:
        raise ValueError(f"line {block.line}: a console block begins with `$ ` and a command")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        last = start
        while lines[last].endswith("\\"):
            last += 1
        text = "\n".join(lines[start : last + 1])[2:]
        yield Command(block.line + start, text, tuple(_trimmed(lines[last + 1 : end])))


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Without the empty lines at the end, which only set commands apart."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept

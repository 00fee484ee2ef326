"""Every code block of every page, in order, a scratch folder a page: as it stands there, so it works.

docs/writing.md tells those who write pages what a block can be.
"""

from __future__ import annotations

import configparser
import json
import re
import shutil
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from bulkexo.job import load
from bulkexo.model import BulkexoError
from bulkexo.options import NAMES
from tests.docs.blocks import Block, blocks, commands, sandbox_options
from tests.docs.cmdlines import bulkexo_lines, command_lists, parse_line, wrong_powershell
from tests.docs.stage import QUICK, ROOT, Stage, stage

PAGES = [ROOT / "README.md", ROOT / "jobs" / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
OF_OTHERS = ("apiVersion", "on", "jobs", True)
"""Keys that a YAML file of Kubernetes or GitHub begins with; YAML takes `on` for true."""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="The pages show a POSIX shell.")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_page_holds(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    said = sandbox_options(text)
    options = None if said == "none" else said or QUICK
    with stage(tmp_path, options) as here:
        for block in blocks(text):
            if block.kind == "console" and elsewhere(text, page):
                continue
            for line, wrong in played(block, here):
                pytest.fail(f"{page.relative_to(ROOT)}:{line}: {wrong}", pytrace=False)


def elsewhere(text: str, page: Path) -> bool:
    """Whether another test types the commands of a page, as the page says in a comment."""
    named = re.search(r"<!-- played by (\S+) -->", text)
    if named and page.name not in (ROOT / named[1]).read_text(encoding="utf-8"):
        pytest.fail(f"{named[1]} does not play {page.name}")
    return named is not None


def played(block: Block, here: Stage) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of a block."""
    if block.name:
        here.write(block.name, block.text)
    if block.kind == "console":
        for command in commands(block):
            if wrong := here.play(command):
                yield command.line, f"$ {command.text}\n{wrong}"
        return
    if block.kind == "python" and not block.name:
        wrong = here.program(block.text)
    else:
        check = CHECKS.get(block.kind)
        wrong = check(block, here) if check else ""
    if wrong:
        yield block.line, wrong


def a_yaml(block: Block, here: Stage) -> str:
    """A job, whole or in part, can run; what is for another program parses, and so do its command lines."""
    documents: Iterator[Any] = yaml.safe_load_all(block.text)
    for document in documents:
        if isinstance(document, dict) and any(name in document for name in OF_OTHERS):
            if wrong := wrong_lines(command_lists(document)):
                return wrong
        elif isinstance(document, dict) and not block.name:
            return a_part(document, here)
    return ""


def a_part(document: dict[str, Any], here: Stage) -> str:
    """Part of a job, with what it lacks."""
    whole: dict[str, Any] = {} if {"cmdlet", "steps"} & set(document) else {"cmdlet": "Get-Mailbox"}
    if "rows" not in document and "steps" not in document and "parameters" not in document:
        whole["parameters"] = {"Identity": "ada@contoso.com"}
    here.write("part.yaml", yaml.safe_dump(document | whole, sort_keys=False))
    try:
        load(here.folder / "part.yaml", option_names=NAMES - {"cmdlet", "set", "select"}).check()
    except BulkexoError as error:
        return str(error)
    return ""


def a_json(block: Block, here: Stage) -> str:
    """One or more JSON values."""
    rest = block.text.strip()
    while rest:
        try:
            _, end = json.JSONDecoder().raw_decode(rest)
        except ValueError as error:
            return f"{error} in {rest[:200]}"
        rest = rest[end:].strip()
    return ""


def a_toml(block: Block, here: Stage) -> str:
    """TOML; a bulkexo.toml is read by the commands after it."""
    tomllib.loads(block.text)
    return ""


def a_unit(block: Block, here: Stage) -> str:
    """A unit of systemd: sections, and command lines of bulkexo's."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(re.sub(r"^#.*\n", "", block.text))
    if not parser.sections():
        return "a unit without sections"
    return wrong_lines(bulkexo_lines(block.text))


def a_table(block: Block, here: Stage) -> str:
    """Lines of a crontab: five fields and a command, or a variable."""
    for line in block.text.splitlines():
        if line.strip() and not re.match(r"#|\w+=|@\w+\s|(?:[\d*/,a-zA-Z-]+\s+){5}\S", line):
            return f"no line of a crontab: {line}"
    return wrong_lines(bulkexo_lines(block.text.replace("\\%", "%")))


def powershell(block: Block, here: Stage) -> str:
    """Cmdlets and parameters that exist, and command lines of bulkexo's."""
    wrong = wrong_powershell(block.text)
    return f"not in the catalogue: {', '.join(wrong)}" if wrong else wrong_lines(bulkexo_lines(block.text))


def an_xml(block: Block, here: Stage) -> str:
    """XML that is one."""
    ET.fromstring(block.text)
    return ""


def wrong_lines(lines: Iterator[str]) -> str:
    """What bulkexo would not understand of these."""
    for line in lines:
        try:
            parse_line(line)
        except (click.UsageError, ValueError) as error:
            return f"bulkexo {line}: {error}"
    return ""


CHECKS = {
    "yaml": a_yaml,
    "json": a_json,
    "ndjson": a_json,
    "toml": a_toml,
    "ini": a_unit,
    "crontab": a_table,
    "powershell": powershell,
    "xml": an_xml,
}

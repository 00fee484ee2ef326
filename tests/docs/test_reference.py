"""What the docs have from the code: all of it, and every error says what to do."""

from __future__ import annotations

import ast

import pytest
import yaml

from bulkexo.job import keys
from bulkexo.options import TABLE
from tests.docs.blocks import blocks
from tests.docs.blocks import commands as typed
from tests.docs.cmdlines import bulkexo_lines, parse_line
from tools.reference import MADE
from tools.reference.jobs import PLACES
from tools.reference.sentences import ROOT, Reader, Sentence, says_what_to_do, sentences

MODULE = """
REMEDY = "Write it anew."

class A:
    def read(self, path, found):
        if found:
            raise UsageError(f"{path.name} holds {len(found)} lines.")
        what = "It is none." if path else f"{path} is not there."
        self.problem(3, what, REMEDY)
        raise StoppedError("The disk is full: make room, and go on.")
"""


def test_sentences_are_read_from_code() -> None:
    reader = Reader(ast.parse(MODULE), "a.py", {"REMEDY": "Write it anew."})
    assert sorted((each.exit_code, each.what, each.remedy) for each in reader.read()) == [
        (2, "It is none.", "Write it anew."),
        (2, "‹name› holds ‹found› lines.", ""),
        (2, "‹path› is not there.", "Write it anew."),
        (3, "The disk is full: make room, and go on.", ""),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("The file cannot be read.", False),
        ("It was damaged (at byte 3).", False),
        ("The file cannot be read: check that it is there.", True),
        ("Nobody is signed in. Run bulkexo login.", True),
    ],
)
def test_what_to_do_is_seen(text: str, says: bool) -> None:
    assert says_what_to_do(Sentence("a", "a.py:1", 2, text)) is says


def test_every_error_says_what_to_do() -> None:
    found = sentences()
    assert len(found) > 250
    assert len({each.room for each in found}) > 15
    assert [f"bulkexo/{each.where}: {each.text}" for each in found if not says_what_to_do(each)] == []


def test_every_raise_is_seen() -> None:
    """As many errors of one sentence as the code raises, by a plainer reading."""
    seen = {each.where.rpartition(":")[0] for each in sentences()}
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("sandbox/") and "raise UsageError(f" in path.read_text(encoding="utf-8"):
            assert name in seen


def test_examples_of_commands_are_understood() -> None:
    examples = [
        each.text for block in blocks(MADE["commands"]()) if block.kind == "console" for each in typed(block)
    ]
    assert len(examples) > 5
    for line in examples:
        for rest in bulkexo_lines(line):
            parse_line(rest)


def test_every_option_and_key_has_its_words() -> None:
    options, job_keys = MADE["options"](), MADE["job keys"]()
    for spec in TABLE:
        assert f"`{spec.flag}" in options
    for _, known in PLACES:
        for key in known:
            assert f"`{key.name}`" in job_keys
            assert yaml.safe_load(f"{key.name}: {key.example}")[key.name] is not None
            assert key.words.endswith(".")
    assert len(set(keys.names(keys.TOP))) == len(keys.TOP)

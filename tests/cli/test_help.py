"""--help of every command: an example, 80 columns, headings."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from bulkexo.cli import COMMANDS, root


def every(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command, those of groups too."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every(found, (*words, name))


ALL = list(every(root))


def told(words: tuple[str, ...]) -> str:
    done = CliRunner().invoke(root, [*words, "--help"], terminal_width=80, prog_name="bulkexo")
    assert done.exit_code == 0
    return done.output


def test_all_are_walked() -> None:
    assert {words[0] for words in ALL if words} == set(COMMANDS)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_it_shows_an_example(words: tuple[str, ...]) -> None:
    text = told(words)
    example = f"bulkexo {' '.join(words)}".strip()
    assert "Example" in text or "Start with" in text
    assert text.count(example) >= 2  # one is the usage


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_it_fits_eighty_columns(words: tuple[str, ...]) -> None:
    assert [line for line in told(words).splitlines() if len(line) > 80] == []

"""The reader of pages: it sees every block, and misses no difference."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from tests.docs.blocks import Command, blocks, commands, sandbox_options
from tests.docs.cmdlines import bulkexo_lines, parse_line, wrong_powershell
from tests.docs.matching import matches, mismatch
from tests.docs.stage import stage
from tests.docs.test_pages import played

PAGE = """\
# A page
<!-- sandbox: --mailboxes 50 -->

```yaml
# jobs/a.yaml
cmdlet: Get-Mailbox
```

- in a list

  ```csv name=a.csv
  Identity
  ```

```console
$ bulkexo run \\
    a.csv
one

two
$ false  # exit code 1

```
"""


def test_blocks_have_their_names_and_lines() -> None:
    found = blocks(PAGE)
    assert [(each.kind, each.line, each.name) for each in found] == [
        ("yaml", 5, "jobs/a.yaml"),
        ("csv", 12, "a.csv"),
        ("console", 16, ""),
    ]
    assert found[1].text == "Identity\n"
    assert sandbox_options(PAGE) == "--mailboxes 50"
    assert sandbox_options("") is None


def test_a_command_goes_on_after_a_backslash_and_ends_where_its_output_does() -> None:
    first, second = commands(blocks(PAGE)[2])
    assert first == Command(16, "bulkexo run \\\n    a.csv", ("one", "", "two"))
    assert (first.exit_code, second.exit_code, second.output) == (0, 1, ())


@pytest.mark.parametrize("page", ["```\nx\n```", "    x\n", "```bash\nx\n```"])
def test_a_block_says_what_it_is(page: str) -> None:
    with pytest.raises(ValueError, match="line"):
        blocks(page)


def test_a_console_block_begins_with_a_command() -> None:
    with pytest.raises(ValueError, match="begins with"):
        list(commands(blocks("```console\nbulkexo run\n```")[0]))


@pytest.mark.parametrize(
    ("expected", "actual", "fits"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a", "a\nb", False),
        ("a\n…", "a\nb\nc", True),
        ("a\n…", "b\na", False),
        ("…\nc", "a\nb\nc", True),
        ("…\nb\n…", "a\nb\nc", True),
        ("…\nb\nd\n…", "a\nb\nc\nd", False),
        ("a\n…\na", "a", False),
        ("took … s, …", "took 1.5 s, all", True),
        ("took … s", "took 1.5 h", False),
        ("1+1", "11", False),
        ("a", "\na\n\n", True),
    ],
)
def test_an_ellipsis_is_anything_and_nothing_else_is(expected: str, actual: str, fits: bool) -> None:
    assert matches(expected.splitlines(), actual.splitlines()) is fits
    assert (mismatch(expected.splitlines(), actual) == "") is fits


def test_command_lines_are_found_and_read() -> None:
    text = "ExecStart=/usr/bin/bulkexo run a.csv --json\n"
    text += '5 2 * * * cd /srv && bulkexo check "a b.csv" >> log 2>&1\n'
    assert list(bulkexo_lines(text)) == ["run a.csv --json", 'check "a b.csv"']
    parse_line("catalogue show Set-Mailbox")
    for line in ("run a.csv --jsn", "walk", "run a.csv b.csv", "catalogue walk"):
        with pytest.raises(click.UsageError):
            parse_line(line)


def test_powershell_is_held_against_the_catalogue() -> None:
    good = "Import-Csv a.csv | ForEach-Object { Set-Mailbox -Identity $_.Id -Office 'Get-No -X' } # Walk-Dog"
    assert wrong_powershell(good) == []
    assert wrong_powershell("Set-Mailbox a -Offise 1; Walk-Dog -Far") == ["Set-Mailbox -Offise", "Walk-Dog"]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    page = "```console\n$ export PLACE=here\n$ echo $PLACE\nthere\n$ false\n"
    page += "$ bulkexo walk  # exit code 2\n```\n"
    page += "```yaml\nwaves: [10, rust]\n```\n```python\nraise SystemExit(3)\n```\n"
    with stage(tmp_path, None) as here:
        wrong = [told for block in blocks(page) for told in played(block, here)]
    assert [line for line, _ in wrong] == [3, 5, 9, 12]
    assert "-there\n+here" in wrong[0][1]
    assert "exit code 1, not 0" in wrong[1][1]
    assert "waves: is no list of sizes" in wrong[2][1]
    assert "exit code 3" in wrong[3][1]

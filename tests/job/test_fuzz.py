"""Whatever bytes come in: Items or sentences, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bulkexo.job import load, yamldoc
from bulkexo.model import JobError
from tests.job.helpers import words

FUZZ = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=200,
)

_CSV_PARTS = words(
    "Identity Cmdlet AuditEnabled Password Error Set-Mailbox Get-Mailbox , ; @{ @( } )",
    """a='b' " "" $null $true [ ] { sep= #TYPE ß 👩 <secret> x 1 true""",
)
_CSV_MARKS = ["\n", "\r\n", "\r", "\t", " ", "\0", "\ufeff", "[" * 2000, '{"a":' * 1200]
_YAML_PARTS = words(
    "cmdlet:_ rows:_ steps:_ parameters:_ set:_ columns:_ secret:_ tenant:_ rate:_ {secret:_true}",
    "Get-Mailbox Set-Mailbox Identity:_ AuditEnabled:_ Password:_ ${Identity} ${ $$ x [ ] { } , &a_ *a",
    """' " <<:_ !!x_ ?_ #_ null yes 1 "\\ud800" "\\x00" ß 👩 job.csv""",
)
_YAML_MARKS = [
    "\n",
    "\n  ",
    "\n- ",
    "\n  - ",
    "|\n",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\t",
    "\x85",
    "\u2028",
    "\0",
]

_CSV = st.lists(st.sampled_from([*_CSV_PARTS, *_CSV_MARKS])).map("".join)
_YAML = st.lists(
    st.sampled_from([part.replace("_", " ") for part in _YAML_PARTS])
    | st.sampled_from([*_YAML_MARKS, "\x07", "[" * 500, "- " * 500])
).map("".join)


def survives(path: Path, cmdlet: str | None) -> None:
    try:
        job = load(path, cmdlet=cmdlet, option_names=("rate",))
        checked = job.check()
    except JobError as error:
        assert error.problems
        assert error.total >= len(error.problems)
        assert all(str(problem).isprintable() for problem in error.problems), error
        return
    items = list(job.items())
    assert len(items) == checked.items
    for item in items:
        repr(item)
        item.identity.encode("utf-8")
    job.describe()


@pytest.mark.parametrize("name", ["job.csv", "job.yaml"])
@FUZZ
@given(
    data=st.binary(), head=st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"Identity\n"])
)
@example(data=b"\xd8\x00\n", head=b"\xfe\xff")
@example(data=b"\x81", head=b"")
@example(data=b"\x00" * 100, head=b"")
def test_any_bytes(tmp_path: Path, name: str, data: bytes, head: bytes) -> None:
    (tmp_path / name).write_bytes(head + data)
    survives(tmp_path / name, "Get-Mailbox")


@FUZZ
@given(text=_CSV, cmdlet=st.sampled_from([None, "Get-Mailbox", "Set-Mailbox"]))
@example(text="\ufeff,\ufeff", cmdlet=None)
def test_what_looks_like_a_csv(tmp_path: Path, text: str, cmdlet: str | None) -> None:
    (tmp_path / "job.csv").write_bytes(("Identity," + text).encode("utf-8"))
    survives(tmp_path / "job.csv", cmdlet)


@FUZZ
@given(
    text=_YAML,
    cmdlet=st.sampled_from([None, "Get-Mailbox"]),
    loader=st.sampled_from(["CSafeLoader", "SafeLoader"]),
)
def test_what_looks_like_a_yaml(tmp_path: Path, text: str, cmdlet: str | None, loader: str) -> None:
    (tmp_path / "job.csv").write_text("Identity\nada\n", encoding="utf-8")
    (tmp_path / "job.yaml").write_bytes(text.encode("utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yamldoc, "_LOADER", getattr(yaml, loader))
        survives(tmp_path / "job.yaml", cmdlet)

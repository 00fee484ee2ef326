"""report.html of runs of every kind: what it says, and what it never holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkexo.model import UsageError
from bulkexo.report.html import write_report
from bulkexo.report.html.rows import PLAIN
from tests.report.left import (
    AFTER,
    BUSY,
    LEFT_OUT,
    NOT_FOUND,
    UNKNOWN,
    at,
    item,
    packed,
    page,
    progress,
    run,
    words,
)

HOSTILE = "</script><img src=x onerror=alert(1)>\u202egpj.exe\x00\"'&{{ 7*7 }}\ud800"


def test_a_run_that_went_well(tmp_path: Path) -> None:
    html = page(run(tmp_path / "r", [item(row) for row in range(1, 201)]))
    text = words(html)
    assert "Complete, none failed" in text
    assert "Nothing: all items are as they should be." in text
    assert "Set-Mailbox · 200 items · contoso.onmicrosoft.com" in text
    assert "ada@contoso.com" in text and "a person, through fb78" in text
    assert "Identity" in text and "Office" in text and "--rate 20" in text
    assert "2026-11-24 09:30:00 UTC" in text
    assert "4 of 204 sendings (2.0%) were refused" in text
    assert 'id="items"' not in html and 'id="causes"' not in html


def test_failures_by_cause_the_most_frequent_first(tmp_path: Path) -> None:
    lines = [item(row) for row in range(1, 90)]
    lines += [item(row, "failed", BUSY, http_status=503, attempts=6) for row in range(90, 92)]
    lines += [item(row, "failed", NOT_FOUND, http_status=404) for row in range(92, 97)]
    lines += [item(97, "unknown", UNKNOWN, http_status=None, cmdlet="New-InboxRule")]
    lines += [item(98, "skipped", AFTER, attempts=0, step=2), item(99, "skipped", LEFT_OUT, attempts=0)]
    html = page(run(tmp_path / "r", lines))
    text = words(html)
    titles = re.findall(r"<h3>(.*?)</h3>", html)
    assert titles == [
        "The mailbox or other object does not exist",
        "The service was busy or did not answer in time",
        "Sent, and never answered: it may have taken effect",
    ]
    assert "Complete, 7 failed, 1 unknown" in text
    assert "Look at the 1 item of unknown fate" in text
    assert "See to the 5 failed items that no second try mends" in text
    assert f"Run again what failed in passing (2 items). bulkexo retry {tmp_path / 'r'}" in text
    rows = packed(html)
    assert [row[5] for row in rows] == ["failed"] * 7 + ["unknown", "skipped"], "what a rule left out is fine"
    assert rows[0][6:9] == ["the service was busy or did not answer in time", "Busy.", 6]


def test_all_items_where_they_are_asked_for(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "r", [item(1), item(2, "failed", NOT_FOUND), item(3, "skipped", LEFT_OUT, attempts=0)]
    )
    assert [row[0] for row in packed(page(folder))] == [2]
    html = page(folder, everything=True)
    assert [row[0] for row in packed(html)] == [1, 2, 3]
    assert "All items" in words(html)


def test_the_first_rows_can_be_read_without_a_script_and_the_worst_come_first(tmp_path: Path) -> None:
    lines = [item(row, "failed", NOT_FOUND) for row in range(1, 300)] + [item(300, "unknown", UNKNOWN)]
    html = page(run(tmp_path / "r", lines))
    body = html[html.index('<table id="table"') :]
    shown = re.findall(r'<td class="c0">(\d+)</td>', body)
    assert shown == ["300", *map(str, range(1, PLAIN))]
    assert f"Where scripts are off, only {PLAIN} of them can be seen." in words(html)
    assert len(packed(html)) == 300


def test_what_others_wrote_does_nothing(tmp_path: Path) -> None:
    error = {"code": HOSTILE, "type": HOSTILE, "message": HOSTILE, "target": HOSTILE}
    line = item(1, "failed", error, identity=HOSTILE, cmdlet=HOSTILE, tenant=HOSTILE, warnings=[HOSTILE])
    job = {
        "path": f"/jobs/{HOSTILE}",
        "columns": [HOSTILE],
        "rows": {"path": HOSTILE},
        "steps": [{"cmdlet": HOSTILE, "parameters": {HOSTILE: HOSTILE}, "when": HOSTILE}],
        "waves": [HOSTILE],
        "gate": {"failures": HOSTILE},
        "window": HOSTILE,
    }
    signed_in = [{"tenant": HOSTILE, "user": HOSTILE, "app_name": HOSTILE, "at": HOSTILE}]
    folder = run(
        tmp_path / "r",
        [json.loads(json.dumps(line).replace("\\ud800", "\\ufffd"))],
        job=json.loads(json.dumps(job).replace("\\ud800", "\\ufffd")),
        signed_in=json.loads(json.dumps(signed_in).replace("\\ud800", "\\ufffd")),
        options={"tenant": "<b>"},
        state="stopped",
        reason=HOSTILE.replace("\ud800", ""),
    )
    html = page(folder)
    assert (
        "<img" not in html
        and "\x00" not in html
        and "\u202e" not in html
        and "<b>" not in html.split("</style>")[0]
    )
    assert html.count("</script>") == html.count("<script")
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;\\u202egpj.exe\\u0000" in html
    assert "{{ 7*7 }}" in words(html)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"state": "stopped", "reason": "The run was interrupted."}, "Stopped before the end"),
        ({"state": "stopped", "reason": "The run was interrupted."}, "The run was interrupted."),
        ({"state": "stopped"}, "Go on with the run: 990 items have not ended. bulkexo resume"),
        ({"state": "running"}, "Cut off"),
        ({"state": "running"}, "Not ended"),
    ],
)
def test_a_run_that_did_not_come_to_its_end(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    counts = {"items": 1000, "sent": 10, "throttled": 0}
    folder = run(tmp_path / "r", [item(row) for row in range(1, 11)], counts=counts, ended=None, **more)
    assert said in words(page(folder))


def test_a_run_that_is_still_going_on(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [item(1)], state="running", ended=None, counts={"items": 50})
    with (folder.path / "results.ndjson").open("a", encoding="utf-8") as file:
        file.write('{"row": 2, "st')  # it is being written
    text = words(page(folder, live=True))
    assert "Under way" in text and "Wait for its end, and make the report again." in text
    assert "Items 50 1 ended" in text


def test_waves_and_the_gate_at_which_the_run_stands(tmp_path: Path) -> None:
    lines = [item(row) for row in range(1, 10)] + [item(10, "failed", NOT_FOUND)]
    job = {
        "path": "/jobs/w.yaml",
        "steps": [{"cmdlet": "Set-Mailbox", "parameters": {}}],
        "waves": ["10", "500", "rest"],
        "gate": {"failures": "2%", "pause": 600, "approve": True},
        "window": "20:00 to 06:00",
    }
    waves = {"bounds": [10, 510, 2000], "passed": 0, "waiting": 1795512600.0}
    folder = run(
        tmp_path / "r", lines, state="stopped", reason="Its gate lets 2% fail.", job=job, waves=waves
    )
    html = page(folder)
    text = words(html)
    assert (
        "Between two waves: at most 2% of its rows may fail; a pause of 10 min 0 s; somebody approves."
        in text
    )
    assert "1 1–10 10 9 1 stands at its gate 2 11–510 0 0 0 has not begun" in text
    assert f"bulkexo resume {tmp_path / 'r'} --approve" in text
    assert "Sends only within 20:00 to 06:00" in text


def test_a_section_for_each_tenant(tmp_path: Path) -> None:
    lines = []
    for row in range(1, 31):
        fails = row % 3 == 0
        one: dict[str, Any] = {"tenant": "contoso.onmicrosoft.com"}
        lines.append(item(row, "failed", NOT_FOUND, **one) if fails else item(row, **one))
        lines.append(item(row, tenant="fabrikam.onmicrosoft.com"))
    html = page(run(tmp_path / "r", lines, options={}))
    text = words(html)
    assert "Set-Mailbox · 60 items · 2 tenants" in text
    assert "contoso.onmicrosoft.com Of 30 items that ended, 10 failed." in text
    assert "Of 2 tenants, 1 had failures." in text
    assert "fabrikam.onmicrosoft.com 30 30 0" in text
    assert "fabrikam.onmicrosoft.com Of 30 items that ended, none failed." in text
    assert html.count("<h4>") == 1
    assert {row[2] for row in packed(html)} == {"contoso.onmicrosoft.com"}


def test_a_report_that_only_reads(tmp_path: Path) -> None:
    lines = [item(1, cmdlet="Get-Mailbox", value=[{"a": 1}, {"a": 2}])]
    lines += [item(2, cmdlet="Get-Mailbox", pages={"path": "pages/2.ndjson", "objects": 5000, "bytes": 9})]
    text = words(page(run(tmp_path / "r", lines)))
    assert "What was read The cmdlets returned 5,002 objects." in text
    assert f"bulkexo export {tmp_path / 'r'} --to offices.xlsx" in text


def test_what_undoing_would_come_to(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [item(1), item(2)], options={"keep_before": True})
    kept = {
        "row": 1,
        "step": 1,
        "cmdlet": "Set-Mailbox",
        "identity": "mailbox1@contoso.com",
        "key": f"{1:016x}",
        "twin": "Get-Mailbox",
        "parameters": {"Identity": "mailbox1@contoso.com", "Office": "Bern"},
        "before": {"Office": "Basel"},
    }
    (tmp_path / "r" / "before.ndjson").write_text(json.dumps(kept) + "\n", encoding="utf-8")
    text = words(page(folder))
    assert "1 item can be undone, by 1 line of a job." in text
    assert f"bulkexo undo {tmp_path / 'r'}" in text
    assert not (tmp_path / "r" / "undo.ndjson").exists()
    assert "Basel" not in text and "Bern" not in text
    (tmp_path / "r" / "before.ndjson").write_text('{"row": "x"}\n' * 2, encoding="utf-8")
    assert "What can be undone The files of this run hold a line that names no item." in words(page(folder))


def test_an_older_run_without_most_of_what_is_there_today(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [item(1)])
    (tmp_path / "r" / "run.json").write_text('{"state": "complete"}', encoding="utf-8")
    text = words(page(folder))
    assert "Signed in not recorded" in text and "Job not recorded" in text


def test_a_run_in_which_nothing_has_ended(tmp_path: Path) -> None:
    folder = run(tmp_path / "r", [], state="stopped", reason="No network.", counts={"items": 7})
    (tmp_path / "r" / "results.ndjson").unlink()
    assert "No network." in words(page(folder))


def test_nothing_is_loaded_and_nothing_else_runs(tmp_path: Path) -> None:
    html = page(run(tmp_path / "r", [item(1, "failed", NOT_FOUND), *map(item, range(2, 200))]))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].replace("&#39;", "'").startswith("default-src 'none'; style-src 'sha256-")
    assert "http://www.w3.org/2000/svg" in html
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg|http-equiv|http_status", "", html)
    assert not re.search(r'\s(style|on\w+|src|href)="', html)


def test_names_of_secrets_without_their_values(tmp_path: Path) -> None:
    job = {"path": "j.csv", "steps": [{"cmdlet": "New-Mailbox", "parameters": {"Password": "<secret>"}}]}
    html = page(run(tmp_path / "r", [item(1)], job=job))
    assert "Password &lt;secret&gt;" in html


def test_a_table_that_would_be_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bulkexo.report.html.rows.Rows.__init__.__defaults__", (5,))
    folder = run(tmp_path / "r", [item(row, "failed", NOT_FOUND) for row in range(1, 9)])
    made = write_report(folder, tmp_path / "x.html")
    assert (made.items, made.total) == (5, 8)
    html = made.path.read_text(encoding="utf-8")
    assert len(packed(html)) == 5
    assert "The first 5 of 8 items, in the order in which they ended" in words(html)


def test_a_folder_of_no_run_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the folder of a run"):
        page(run(tmp_path / "r", []).__class__(tmp_path))
    folder = run(tmp_path / "r", [item(1)])
    with pytest.raises(UsageError, match="nowhere is no folder"):
        write_report(folder, tmp_path / "nowhere" / "x.html")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
RUN = ("state", "reason", "started", "ended", "job", "options", "signed_in", "counts", "waves", "bulkexo")
JOB = ("path", "rows", "columns", "steps", "set", "waves", "gate", "window")
LINE = tuple(item(1))


def some(names: tuple[str, ...], good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Members that are as they should be, or anything, or not there."""
    each = {name: JSON | st.just(good.get(name)) for name in names}
    return st.fixed_dictionaries({}, optional=each)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some(RUN, {"state": "complete"}),
    some(JOB, {}),
    some(LINE, item(1)),
    some(LINE, item(2, "failed", NOT_FOUND)),
    JSON,
)
def test_whatever_the_files_hold_there_is_a_report(
    tmp_path: Path, told: Any, job: Any, first: Any, second: Any, pulse: Any
) -> None:
    folder = run(tmp_path / "r", [first, second])
    text = json.dumps({**told, "job": job} if job else told)
    (tmp_path / "r" / "run.json").write_text(text, encoding="utf-8")
    (tmp_path / "r" / "progress.ndjson").write_text(json.dumps(pulse) + "\n", encoding="utf-8")
    try:
        html = page(folder)
    except UsageError:
        return
    assert html.rstrip().endswith("</html>")


def test_the_allowance_of_several_processes_with_days_between(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "r",
        [item(row, started=at(row // 10 + (90000 if row > 2000 else 0))) for row in range(1, 4001)],
    )
    lines = []
    for pid, began in ((7, 0), (8, 90200)):
        lines += [
            {
                "time": at(began + 10 * number),
                "pid": pid,
                "attempts": 100 * number + (2000 if pid == 8 else 0),
                "throttled": 10 * number,
                "allowed_per_second": None if number == 0 else 12.0,
            }
            for number in range(20)
        ]
    progress(tmp_path / "r", lines)
    html = page(folder)
    text = words(html)
    assert "the service allowed 12.0, as far as bulkexo learned it" in text
    assert "190 of 3,900 sendings (4.9%)" in text
    assert "times when nothing ran are left out" in text
    assert html.count('class="line rate"') == 4, "two pieces, in each of two sizes"


def test_pygal_leaves_no_finder_that_others_stumble_over() -> None:
    """In a process of its own, for here something else could have imported it first."""
    code = (
        "import sys, bulkexo.report.html.charts\n"
        "print([finder for finder in sys.meta_path if not hasattr(finder, 'find_spec')])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)

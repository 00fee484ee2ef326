"""Metrics and traces of a run, as a real collector gets them; and one that is down, hangs, or refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.collector import Collector, attributes, collecting
from tests.e2e.command import Ended, bulkexo, environment

JOB = """\
rows: [%s]
cmdlet: Get-Mailbox
parameters: {Identity: "${Id}"}
"""
NAMES = [f"mailbox{number}@contoso.onmicrosoft.com" for number in range(1, 60)]
MISSING = "nobody.at.all@contoso.onmicrosoft.com"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    rows = ", ".join(f"{{Id: {name}}}" for name in [*NAMES, MISSING])
    path.write_text(JOB % rows, encoding="utf-8")
    return path


def run(job: Path, collector: Collector | None, *more: str, **variables: str) -> Ended:
    found = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint} if collector else {}
    sandbox = ("--sandbox", "--sandbox-options", "--speed 20 --allowance 40/s --burst 10")
    return bulkexo("run", job, *sandbox, "--telemetry", *more, cwd=job.parent, env={**found, **variables})


def test_what_a_collector_gets(job: Path) -> None:
    with collecting() as collector:
        done = run(job, collector, "--json", OTEL_RESOURCE_ATTRIBUTES="team=mail").check(1)
    whole = done.summary
    assert "telemetry" not in done.stderr

    top = [span for span in collector.spans if not span.parent_span_id]
    requests = [span for span in collector.spans if span.parent_span_id]
    assert [span.name for span in top] == ["bulkexo run"]
    assert {span.parent_span_id for span in requests} == {top[0].span_id}
    assert {span.trace_id for span in collector.spans} == {top[0].trace_id}
    told = attributes(top[0].attributes)
    assert told == {
        "bulkexo.items": 60,
        "bulkexo.resumed": False,
        "bulkexo.state": "complete",
        "bulkexo.exit_code": 1,
    }
    each = attributes(requests[0].attributes)
    assert requests[0].name == "POST"
    assert (each["http.request.method"], each["server.address"]) == ("POST", "localhost")
    assert each["bulkexo.cmdlets"] == ["Get-Mailbox"]
    assert isinstance(each["server.port"], int)
    assert isinstance(each["http.response.status_code"], int)
    assert requests[0].end_time_unix_nano > requests[0].start_time_unix_nano
    counts = [attributes(span.attributes) for span in requests]
    assert sum(count["bulkexo.batch.items"] for count in counts) == whole["sent"]
    assert sum(count["bulkexo.batch.throttled"] for count in counts) == whole["throttled"]
    assert collector.resource["service.name"] == "bulkexo"
    assert collector.resource["team"] == "mail"

    items = {
        attributes(point.attributes)["bulkexo.status"]: point.as_int
        for point in collector.points("bulkexo.items")
    }
    assert items == {"succeeded": 59, "failed": 1}
    assert sum(point.as_int for point in collector.points("bulkexo.attempts")) == whole["sent"]
    assert sum(point.count for point in collector.points("http.client.request.duration")) == len(requests)
    assert [point.as_int for point in collector.points("bulkexo.batches.in_flight")] == [0]
    assert sum(point.as_int for point in collector.points("bulkexo.throttled")) == whole["throttled"]

    bodies = b"".join(collector.bodies).lower()
    for secret in (b"mailbox1", b"nobody.at.all", b"contoso", b"bearer", str(job.parent).encode().lower()):
        assert secret not in bodies


def test_who_is_called_otherwise(job: Path) -> None:
    with collecting() as collector:
        run(job, collector, OTEL_SERVICE_NAME="night-report", OTEL_METRICS_EXPORTER="none").check(1)
    assert collector.resource["service.name"] == "night-report"
    assert not collector.metrics


def test_a_collector_that_is_down_is_told_once(job: Path) -> None:
    done = run(job, None, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9").check(1)
    assert done.stderr.count("The telemetry does not reach its collector") == 1
    assert "Complete: 60 items" in done.stderr
    assert "opentelemetry" not in done.stderr.lower().replace("opentelemetry_", "")


def test_a_collector_that_refuses_is_told_once(job: Path) -> None:
    with collecting(status=400) as collector:
        done = run(job, collector).check(1)
    assert done.stderr.count("The telemetry does not reach its collector") == 1


def test_a_collector_that_hangs_is_not_waited_for(job: Path) -> None:
    with collecting(wait=600.0) as collector:
        done = run(job, collector, OTEL_EXPORTER_OTLP_TIMEOUT="600").check(1)
        assert collector.bodies == []
    assert done.stderr.count("The telemetry does not reach its collector") == 1


def test_another_protocol_is_an_error_before_anything_is_sent(job: Path) -> None:
    done = run(job, None, OTEL_EXPORTER_OTLP_PROTOCOL="grpc").check(2)
    assert "http/protobuf" in done.stderr
    assert not (job.parent / "runs").exists()


def test_nothing_of_it_is_imported_unless_it_is_asked_for(job: Path) -> None:
    code = (
        "import sys\nfrom bulkexo.cli import _code\n_code()\n"
        "print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    command = [sys.executable, "-c", code, "run", str(job), "--sandbox", "--quiet"]
    done = subprocess.run(
        command, cwd=job.parent, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_the_extra_a_sentence_says_what_to_install(job: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "without" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
    paths = f"{hidden.parent}:{environment().get('PYTHONPATH', '')}"
    done = run(job, None, PYTHONPATH=paths).check(2)
    assert 'pip install "bulkexo[otel]"' in done.stderr

"""Metrics and traces of a run, sent to a collector by OpenTelemetry (the extra `otel`; docs/scheduled.md).

Imported only where it was asked for (`--telemetry`). What is sent is figures, names of cmdlets, and the host
of the service: no identity, no value, no path. All sending is done by threads of the SDK, which take what the
run hands them without waiting; a collector that is down costs the run a note, and its end a few seconds.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from bulkexo import __version__
from bulkexo.model import Outcome, UsageError
from bulkexo.run import Report, Task
from bulkexo.schedule import Exchange, Tally

FLUSH: Final = 5.0
"""Seconds that the end of a run waits for the collector to take the last of it."""
BOUNDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Seconds: a batch takes from a tenth of one to the service's own limit of 15 minutes."""
SENDERS: Final = (
    "opentelemetry.exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.metrics",
)
"""Loggers of what sends."""
NO_REPLY: Final = "no_reply"
ERROR: Final = 400
Attributes = dict[str, str | int | Sequence[str]]
Tallies = Callable[[], Sequence[Tally]]


def require_protocol(environment: Mapping[str, str]) -> None:
    """Raises UsageError if the environment asks for another protocol than there is here."""
    for name in ("", "TRACES_", "METRICS_"):
        variable = f"OTEL_EXPORTER_OTLP_{name}PROTOCOL"
        wanted = environment.get(variable, "").strip().lower()
        if wanted not in ("", "http/protobuf"):
            raise UsageError(
                f"{variable} is {wanted}, and --telemetry speaks http/protobuf alone: set it to that, and "
                "the endpoint to the collector's port for it, which is 4318 as a rule."
            )


class Telemetry:
    """An observer (schedule.observer), and a context manager around a run.

    note: told once if a collector takes nothing.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        require_protocol(os.environ)
        self._tallies: Tallies = list
        self._note = note
        self._trouble = _Trouble()
        self._told = False
        self._places: dict[str, Attributes] = {}
        own = Resource({"service.name": "bulkexo", "service.version": __version__})
        resource = own.merge(OTELResourceDetector().detect())
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if _wanted("OTEL_TRACES_EXPORTER"):
            self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers = (
            [PeriodicExportingMetricReader(OTLPMetricExporter())] if _wanted("OTEL_METRICS_EXPORTER") else []
        )
        self._metrics = MeterProvider(readers, resource, shutdown_on_exit=False)
        self._tracer = self._traces.get_tracer("bulkexo", __version__)
        self._make_instruments()

    def _make_instruments(self) -> None:
        meter = self._metrics.get_meter("bulkexo", __version__)
        self._items = meter.create_counter("bulkexo.items", "{item}", "Items that have ended.")
        self._attempts = meter.create_counter("bulkexo.attempts", "{attempt}", "Sendings of items.")
        self._throttled = meter.create_counter(
            "bulkexo.throttled", "{attempt}", "Sendings that were refused."
        )
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=BOUNDS,
        )
        meter.create_observable_up_down_counter(
            "bulkexo.batches.in_flight", [self._in_flight], "{batch}", "Batches that wait for their reply."
        )
        meter.create_observable_gauge(
            "bulkexo.rate.allowed", [self._allowed], "{item}/s", "Items a second that the pace allows now."
        )

    def __enter__(self) -> Telemetry:
        self._trouble.listen()
        self._run = self._tracer.start_span("bulkexo run")
        self._context = trace.set_span_in_context(self._run)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        self._run.end()
        last = time.monotonic() + FLUSH
        both = (self._traces.shutdown, self._end_metrics)
        ends = [threading.Thread(target=each, daemon=True) for each in both]
        for each in ends:
            each.start()
        for each in ends:
            each.join(max(0.0, last - time.monotonic()))
        if any(each.is_alive() for each in ends):
            self._trouble.seen = True
        self._tell()
        self._trouble.leave()

    def _end_metrics(self) -> None:
        self._metrics.shutdown(FLUSH * 1000)

    def follow(self, report: Report, task: Task) -> None:
        """The run that is observed. report: which it fills while it goes."""
        self._tallies = lambda: report.tallies
        self._run.set_attributes({"bulkexo.items": task.total, "bulkexo.resumed": task.resumed})

    def concluded(self, state: str, exit_code: int) -> None:
        """How it has ended."""
        self._run.set_attributes({"bulkexo.state": state, "bulkexo.exit_code": exit_code})
        self._run.set_status(Status(StatusCode.OK if exit_code == 0 else StatusCode.ERROR))

    def exchanged(self, exchange: Exchange) -> None:
        """A request has ended: a span, and what it adds to the figures."""
        for cmdlet, count in exchange.cmdlets.items():
            self._attempts.add(count, {"bulkexo.cmdlet": cmdlet})
        if exchange.refused:
            self._throttled.add(exchange.refused)
        http = self._http(exchange)
        self._duration.record(exchange.seconds, http)
        span = self._tracer.start_span(
            exchange.method,
            self._context,
            SpanKind.CLIENT,
            {
                **http,
                "bulkexo.batch.items": exchange.calls,
                "bulkexo.batch.throttled": exchange.refused,
                "bulkexo.cmdlets": sorted(exchange.cmdlets),
            },
            start_time=_nanoseconds(exchange.started),
        )
        if "error.type" in http:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(exchange.started + exchange.seconds))
        if self._trouble.seen:
            self._tell()

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        """Items have ended."""
        counts = Counter((each.status.value, each.item.cmdlet) for each in outcomes)
        for (status, cmdlet), count in counts.items():
            self._items.add(count, {"bulkexo.status": status, "bulkexo.cmdlet": cmdlet})

    def _http(self, exchange: Exchange) -> Attributes:
        """By the semantic conventions for clients of HTTP; the path is left out, which can name a mailbox."""
        found: Attributes = {"http.request.method": exchange.method, **self._place(exchange.endpoint)}
        if exchange.status is None:
            found["error.type"] = NO_REPLY
        else:
            found["http.response.status_code"] = exchange.status
            if exchange.status >= ERROR:
                found["error.type"] = str(exchange.status)
        return found

    def _place(self, endpoint: str) -> Attributes:
        if endpoint not in self._places:
            parts = urlsplit(endpoint)
            port = parts.port or (80 if parts.scheme == "http" else 443)
            self._places[endpoint] = {"server.address": parts.hostname or "", "server.port": port}
        return self._places[endpoint]

    def _in_flight(self, _: CallbackOptions) -> Iterable[Observation]:
        yield Observation(sum(tally.batches for tally in self._tallies()))

    def _allowed(self, _: CallbackOptions) -> Iterable[Observation]:
        rates = [tally.rate for tally in self._tallies() if tally.rate is not None]
        if rates:
            yield Observation(sum(rates))

    def _tell(self) -> None:
        """Say once, from the run's own thread, that the collector takes nothing."""
        if self._trouble.seen and not self._told:
            self._told = True
            self._note(
                "The telemetry does not reach its collector, wholly or in part. Look at "
                "OTEL_EXPORTER_OTLP_ENDPOINT; the run itself is not touched."
            )


class _Trouble(logging.Handler):
    """What the SDK has to complain of, which it says in a log: noted, and shown nowhere."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen = False
        self._logger = logging.getLogger("opentelemetry")

    def listen(self) -> None:
        """From now on."""
        self._logger.addHandler(self)
        self._logger.propagate = False

    def leave(self) -> None:
        """No longer; the logger stays silent, for a thread may still be at work."""
        self._logger.addHandler(logging.NullHandler())
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """In whatever thread."""
        self.seen = self.seen or record.name.startswith(SENDERS)


def _wanted(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() != "none"


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)

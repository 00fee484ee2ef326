"""A collector of OpenTelemetry: takes OTLP over HTTP as protobuf, and keeps what came."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """status: that it answers with. wait: seconds before that. endpoint: of OTLP/HTTP."""

    status: int = 200
    wait: float = 0.0
    endpoint: str = ""
    traces: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        """All spans, as protobuf has them."""
        return [span for each in self.traces for whole in each.resource_spans
                for scope in whole.scope_spans for span in scope.spans]  # fmt: skip

    @property
    def resource(self) -> dict[str, Any]:
        """Who has sent the traces."""
        return attributes(self.traces[0].resource_spans[0].resource.attributes)

    def points(self, name: str) -> list[Any]:
        """The points of a metric in the last export that has it."""
        found = [metric for each in self.metrics for whole in each.resource_metrics
                 for scope in whole.scope_metrics for metric in scope.metrics
                 if metric.name == name]  # fmt: skip
        if not found:
            return []
        return list(getattr(found[-1], found[-1].WhichOneof("data")).data_points)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.wait:
            await asyncio.sleep(self.wait)
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        if request.path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        else:
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
        return web.Response(status=self.status, content_type="application/x-protobuf")


def attributes(given: Any) -> dict[str, Any]:
    """Attributes of a span, a point or a resource by their names."""

    def plain(value: Any) -> Any:
        kind = value.WhichOneof("value")
        if kind == "array_value":
            return [plain(each) for each in value.array_value.values]
        return getattr(value, kind)

    return {each.key: plain(each.value) for each in given}


@contextmanager
def collecting(**how: Any) -> Iterator[Collector]:
    """A collector in a thread of its own."""
    collector = Collector(**how)
    loop = asyncio.new_event_loop()
    ready, done = threading.Event(), asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.add_routes([web.post("/v1/traces", collector.take), web.post("/v1/metrics", collector.take)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        collector.endpoint = f"http://127.0.0.1:{port}"
        ready.set()
        await done.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield collector
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)
        loop.close()

"""Traces by OpenTelemetry, where an operator wants them: how long each part of a request took, and nothing that it said.

The spans are made after a request has been answered, from the moments that were noted on the way, so that a server without traces
pays nothing. What they carry is what the log carries: Strawberry's own extension would put every argument and the text of the
query into them.
"""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING

from pat_platform.observation import Observation
from pat_platform.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.util.types import AttributeValue

SERVICE = "pat"


class Spans:
    """Makes spans of requests and hands them to an exporter, in batches and in a thread."""

    def __init__(self, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # The service's name may be set as for any other program; nothing else of the machine or the command line is told.
        resource = Resource({"service.name": SERVICE}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SERVICE)

    def tell(self, observation: Observation, status: int, ended: float) -> None:
        """Make the spans of one request: itself, its stages, and within them each wait for PostgreSQL."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        moments = _Moments()
        request = self._tracer.start_span(
            "request",
            context=_parent(observation),
            kind=SpanKind.SERVER,
            attributes=_attributes(observation, status),
            start_time=moments.at(observation.started),
        )
        within = set_span_in_context(request)
        begun = observation.started
        for stage, at in observation.stages:
            self._span(stage, within, moments.at(begun), moments.at(at))
            begun = at
        for began, end in observation.waits:
            self._span("postgresql", within, moments.at(began), moments.at(end))
        if status >= 500:
            request.set_status(Status(StatusCode.ERROR))
        request.end(moments.at(ended))

    def _span(self, name: str, within: Context, began: int, end: int) -> None:
        self._tracer.start_span(name, context=within, start_time=began).end(end)

    def close(self) -> None:
        """Send what has not been sent, and end the thread."""
        self._provider.shutdown()


class _Moments:
    """Turns moments of the process's own clock into moments of the day."""

    def __init__(self) -> None:
        self._offset = time_ns() - int(perf_counter() * 1e9)

    def at(self, moment: float) -> int:
        return self._offset + int(moment * 1e9)


def tracer_of(settings: Settings) -> Spans | None:
    """What traces requests, if the environment names where to send traces."""
    if not settings.traces:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return Spans(OTLPSpanExporter())


def _attributes(observation: Observation, status: int) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "http.response.status_code": status,
        "pat.request_id": observation.request_id,
    }
    for name in ("operation", "kind", "code"):
        if value := getattr(observation, name):
            attributes[f"pat.{name}"] = value
    if observation.asker is not None:
        attributes["pat.role"] = observation.asker.role
    if observation.cost is not None:
        attributes["pat.cost"] = observation.cost
    return attributes


def _parent(observation: Observation) -> Context | None:
    if not observation.parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": observation.parent})

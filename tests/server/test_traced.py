"""Spans tell how long a request took and where; neither who asked nor what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.server.conftest import Network
from tests.server.test_mutations import NOTE
from tests.server.watched import BROKEN, MANAGER, PLAIN, REVEALING, watching

from pat_server import app as application
from pat_server.tracing import Spans, tracer_of


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Where the spans of an application go that is made from now on."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(application, "tracer_of", lambda _: Spans(exporter))
    return exporter


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


async def test_a_request_is_a_span_with_its_stages(network: Network, spans: InMemorySpanExporter) -> None:
    async with watching(network) as watched:
        await watched.post(PLAIN, {"first": 7})
    found = by_name(spans)
    assert set(found) == {"request", "parse", "plan", "database", "complete", "postgresql"}
    request = found.pop("request")
    assert request.context is not None
    assert dict(request.attributes or {}) == {
        "http.response.status_code": 200,
        "pat.request_id": watched.requests[0]["request_id"],
        "pat.operation": watched.requests[0]["operation"],
        "pat.kind": "query",
        "pat.role": "case_manager",
        "pat.cost": watched.requests[0]["cost"],
    }
    for span in found.values():
        assert span.parent is not None
        assert span.parent.span_id == request.context.span_id
        assert (
            (request.start_time or 0)
            <= (span.start_time or 0)
            <= (span.end_time or 0)
            <= (request.end_time or 0)
        )


async def test_spans_tell_neither_who_asked_nor_what(network: Network, spans: InMemorySpanExporter) -> None:
    async with watching(network) as watched:
        await watched.post(PLAIN, {"first": 4_711})
        await watched.post(REVEALING)
        await watched.post(BROKEN)
        await watched.post(
            NOTE, {"input": {"caseId": "Q2FzZTox", "kind": "SAFETY", "text": "Grimalkinesque"}}
        )
    told = "".join(each.to_json() for each in spans.get_finished_spans())
    who = watched.principal
    words = ["Malati", "Sonajhuri", "4711", "cases", "Grimalkinesque", "Q2FzZTox", "select", MANAGER, "argv"]
    for word in (*words, str(who.person), str(who.session), str(who.organisation), who.organisation.hex):
        assert word not in told, word


async def test_an_error_of_ours_marks_the_span(
    network: Network, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(network) as watched:
        monkeypatch.setattr(watched.app.state.parts.engine, "operation", None)
        await watched.post(PLAIN)
    request = by_name(spans)["request"]
    assert not request.status.is_ok
    assert (request.attributes or {})["pat.code"] == "INTERNAL"


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_a_callers_trace_is_ours_only_behind_a_proxy_that_is_trusted(
    network: Network, spans: InMemorySpanExporter, is_trusted: bool
) -> None:
    async with watching(network, replace(network.settings, trusts_traces=is_trusted)) as watched:
        await watched.post(PLAIN, headers={"traceparent": PARENT})
        await watched.post(PLAIN, headers={"traceparent": "Malati"})
    first, second = (span for span in spans.get_finished_spans() if span.name == "request")
    assert (first.parent is not None) == is_trusted
    if first.parent is not None:
        assert f"{first.parent.trace_id:032x}" in PARENT
    assert second.parent is None


def test_traces_are_made_only_where_the_environment_says_where_to_send_them(network: Network) -> None:
    assert tracer_of(network.settings) is None
    tracer = tracer_of(replace(network.settings, traces=True))
    assert tracer is not None
    tracer.close()

"""docs/observability.md lists what there is: every metric, every event, every setting."""

from __future__ import annotations

import re
from typing import Any

from prometheus_client.metrics_core import Metric
from tests.observability.calls import ROOT, logging_calls

from pat_platform.logging import SAID_BY_OTHERS
from pat_platform.observation import Observation
from pat_server.metrics import Collected, Measures

PAGE = (ROOT / "docs" / "observability.md").read_text()


class _Anything:
    """An engine and a pool that have nothing to tell."""

    def __getattr__(self, _: str) -> Any:
        return _Anything()

    def __call__(self) -> dict[str, int]:
        return {}

    def __float__(self) -> float:
        return 0.0


def metrics() -> list[Metric]:
    nothing: Any = _Anything()
    measures = Measures()
    measures.note(Observation(), 200, 0)
    return list(Collected(measures, nothing, nothing).collect())


def test_every_metric_is_listed_with_its_labels_and_none_that_is_gone() -> None:
    kept = {metric.name + ("_total" if metric.type == "counter" else "") for metric in metrics()}
    assert kept == set(re.findall(r"`(pat_[a-z_]+)`", PAGE)) - {"pat_server"}


def test_every_event_is_listed() -> None:
    found = {"request", "other.message", "server.request_failed", "http.invalid_request"}
    found |= {event for event, _ in logging_calls()}
    missing = {event for event in found if f"`{event}`" not in PAGE}
    assert missing == set()
    assert {"server.request_failed", "http.invalid_request"} <= set(SAID_BY_OTHERS.values())

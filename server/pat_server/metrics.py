"""What is counted, and how it is told to Prometheus.

Requests add to plain numbers; what the numbers mean is put together when somebody asks. Nothing here names a person or an
organisation: operations are digests, connections are counted by role.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from time import time
from typing import TYPE_CHECKING

from pat_platform.observation import Observation

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from pat_platform.database.pool import KeyedPool
    from pat_platform.engine.engine import Engine

MOST_OPERATIONS = 200
OTHER = "other"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the classes of durations, in seconds."""
TELLING = frozenset({"audited", "mutation"})
"""Kinds of requests that append to the trail."""


class Durations:
    """How many requests took how long."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """How many took at most so long, for each bound and for any length."""
        running, found = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._counts, strict=True):
            running += count
            found.append((bound, float(running)))
        return found


class Measures:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int, str]] = Counter()
        self.durations: defaultdict[str, Durations] = defaultdict(Durations)
        self.stages: defaultdict[str, float] = defaultdict(float)
        self.database_seconds = 0.0
        self.under_way = 0
        self.trail_answers: Counter[str] = Counter()
        self.trail_at = 0.0
        self.keys: Counter[tuple[str, str]] = Counter()
        self.key_seconds = 0.0
        self.lines: Counter[str] = Counter()
        self.lines_ended: Counter[tuple[str, str]] = Counter()
        self.subscriptions = 0
        self._operations: set[str] = set()

    def note(self, observation: Observation, status: int, ended: float) -> None:
        """Count a request that has been answered."""
        seconds = ended - observation.started
        kind, code = observation.kind or "none", observation.code or "OK"
        self.requests[self._operation(observation.operation), kind, status, code] += 1
        self.durations[kind].add(seconds)
        self.database_seconds += observation.database_seconds
        begun = observation.started
        for stage, at in observation.stages:
            self.stages[stage] += at - begun
            begun = at
        if kind in TELLING and not observation.code:
            self.trail_answers[kind] += 1
            self.trail_at = time()

    def _operation(self, digest: str) -> str:
        """The digest, as long as there are few: whoever invents operations must not fill our memory, nor Prometheus's."""
        if not digest or digest in self._operations:
            return digest or "none"
        if len(self._operations) >= MOST_OPERATIONS:
            return OTHER
        self._operations.add(digest)
        return digest


def login_class(login: str) -> str:
    """The role of an organisation's login; a service login is its own class."""
    return login[37:] if login.startswith("org_") else login


class Collected:
    """Puts the numbers into Prometheus's words when it asks. It asks in a thread: each number is read once, as it is."""

    def __init__(
        self, measures: Measures, engine: Engine, pool: KeyedPool, dropped: Callable[[], int] = lambda: 0
    ) -> None:
        self._measures = measures
        self._engine = engine
        self._pool = pool
        self._dropped = dropped

    def collect(self) -> Iterator[Metric]:
        """Every metric, as docs/observability.md lists them."""
        yield from self._requests()
        yield from self._plans()
        yield from self._connections()
        yield from self._trail_and_keys()
        yield from self._lines()
        yield _counter("pat_log_lines_dropped", "Lines of the log that nobody took.", self._dropped())

    def _requests(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        measures = self._measures
        requests = CounterMetricFamily(
            "pat_requests", "GraphQL requests answered.", labels=["operation", "kind", "status", "code"]
        )
        for (operation, kind, status, code), count in list(measures.requests.items()):
            requests.add_metric([operation, kind, str(status), code], count)
        yield requests
        durations = HistogramMetricFamily(
            "pat_request_seconds", "How long GraphQL requests took.", labels=["kind"]
        )
        for kind, found in list(measures.durations.items()):
            durations.add_metric([kind], found.buckets(), found.total)
        yield durations
        stages = CounterMetricFamily(
            "pat_stage_seconds", "Seconds spent on a stage of requests.", labels=["stage"]
        )
        for stage, seconds in list(measures.stages.items()):
            stages.add_metric([stage], seconds)
        yield stages
        yield _gauge("pat_requests_under_way", "Requests that are not answered yet.", measures.under_way)

    def _plans(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        counters = self._engine.counters
        plans = CounterMetricFamily(
            "pat_plan_lookups", "Plans that were looked for in the cache.", labels=["result"]
        )
        plans.add_metric(["hit"], counters.hits)
        plans.add_metric(["miss"], counters.misses)
        yield plans
        yield _counter("pat_plans_compiled", "Plans that were made.", counters.compiled)
        yield _counter(
            "pat_not_compilable", "Operations that the engine could not compile.", counters.fallbacks
        )
        cached = GaugeMetricFamily("pat_cached", "What the engine's caches hold.", labels=["cache"])
        for name, size in self._engine.cached().items():
            cached.add_metric([name], size)
        yield cached

    def _connections(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        states: Counter[tuple[str, str]] = Counter()
        waiting: Counter[str] = Counter()
        for line in self._pool.census():
            name = login_class(line.login)
            states[name, "leased"] += line.leased
            states[name, "idle"] += line.idle
            states[name, "opening"] += line.opening
            waiting[name] += line.waiting
        connections = GaugeMetricFamily(
            "pat_pool_connections", "Connections to PostgreSQL.", labels=["login_class", "state"]
        )
        for (name, state), count in states.items():
            connections.add_metric([name, state], count)
        yield connections
        queue = GaugeMetricFamily(
            "pat_pool_waiting", "Requests that wait for a connection.", labels=["login_class"]
        )
        for name, count in waiting.items():
            queue.add_metric([name], count)
        yield queue
        yield _gauge("pat_pool_budget", "Connections that this process may hold.", self._pool.budget)
        traffic = self._pool.traffic
        yield _counter("pat_pool_opened", "Connections that were opened.", traffic.connections)
        yield _counter(
            "pat_database_round_trips", "Answers of PostgreSQL that were waited for.", traffic.waits
        )
        yield _counter("pat_database_writes", "Batches sent to PostgreSQL.", traffic.writes)
        yield _counter(
            "pat_database_seconds",
            "Seconds in which requests waited for PostgreSQL.",
            self._measures.database_seconds,
        )

    def _lines(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        measures = self._measures
        lines = GaugeMetricFamily("pat_lines", "Sockets and streams that are open.", labels=["transport"])
        for transport, count in list(measures.lines.items()):
            lines.add_metric([transport], count)
        yield lines
        ended = CounterMetricFamily(
            "pat_lines_ended", "Sockets and streams that have ended.", labels=["transport", "why"]
        )
        for (transport, why), count in list(measures.lines_ended.items()):
            ended.add_metric([transport, why], count)
        yield ended
        yield _gauge("pat_subscriptions", "Subscriptions that are open.", measures.subscriptions)

    def _trail_and_keys(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        measures = self._measures
        trail = CounterMetricFamily(
            "pat_trail_answers", "Answers that were recorded in the trail.", labels=["kind"]
        )
        for kind, count in list(measures.trail_answers.items()):
            trail.add_metric([kind], count)
        yield trail
        yield _gauge(
            "pat_trail_recorded_timestamp_seconds",
            "When this process last gave an answer that the trail records.",
            measures.trail_at,
        )
        keys = CounterMetricFamily(
            "pat_key_provider_calls", "Calls of the key provider.", labels=["call", "result"]
        )
        for (call, result), count in list(measures.keys.items()):
            keys.add_metric([call, result], count)
        yield keys
        yield _counter("pat_key_provider_seconds", "Seconds spent on the key provider.", measures.key_seconds)


def _counter(name: str, documentation: str, value: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(name, documentation, value=value)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, documentation, value=value)

"""What is observed of one request while it is under way, for the log, the metrics and the traces.

It holds nothing that a person wrote: a digest stands for the document, and neither variables, names nor texts come near it.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

DIGITS = 16
"""So much of an operation's digest tells it from all others that we know."""


class Asker(NamedTuple):
    """Who asks: organisation, role and client, as they may be told. The person is not: the trail knows her."""

    organisation: str
    role: str
    client: str
    members: str
    """The same as members of a JSON object."""

    @classmethod
    def of(cls, organisation: str, role: str, client: str) -> "Asker":
        """Who asks, in words that need no escaping in JSON."""
        members = f'"organisation":"{organisation}","role":"{role}","client":"{client}"'
        return cls(organisation, role, client, members)


@dataclass(slots=True)
class Observation:
    """One request. Moments are those of :func:`time.perf_counter`."""

    request_id: str = ""
    started: float = field(default_factory=perf_counter)
    operation: str = ""
    """The first digits of the operation's digest: the trail's own, over its name and its document."""
    kind: str = ""
    """``query``, ``audited`` (a query that the trail records) or ``mutation``."""
    asker: Asker | None = None
    """Who asks, once that is known."""
    code: str = ""
    """The first error's, or the refusal's; empty where all went well."""
    cost: int | None = None
    parent: str = ""
    """The caller's W3C trace context, where it is trusted."""
    stages: list[tuple[str, float]] = field(default_factory=list)
    """What was done, and when it ended; each began when the one before it ended."""
    waits: list[tuple[float, float]] = field(default_factory=list)
    """When PostgreSQL was waited for: beginning and end of each round trip."""
    database_seconds: float = 0.0
    """How long PostgreSQL was waited for."""

    def mark(self, stage: str) -> None:
        """Note that this stage ends now."""
        self.stages.append((stage, perf_counter()))

    def failed(self, code: str) -> None:
        """Note an error's code; the first one stays."""
        self.code = self.code or code

    def waited(self, began: float, ended: float) -> None:
        """Note a wait for PostgreSQL."""
        self.waits.append((began, ended))
        self.database_seconds += ended - began


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)


def begin(observation: Observation) -> None:
    """Make this the observation of all that the current task does from now on, and of the tasks that it starts."""
    _current.set(observation)


def current() -> Observation:
    """The observation of the request under way; one that nobody reads where there is none."""
    return _current.get() or Observation()


def current_request_id() -> str:
    """The id of the request under way; empty where there is none."""
    found = _current.get()
    return found.request_id if found else ""

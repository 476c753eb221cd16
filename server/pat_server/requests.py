"""What a client asks, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GraphQLRequest:
    """What a client asks (GraphQL over HTTP)."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any] | None


@dataclass(frozen=True)
class Answer:
    """The bytes of the answer. ``is_request_error``: nothing was executed, so that there is no data."""

    body: bytes
    is_request_error: bool = False

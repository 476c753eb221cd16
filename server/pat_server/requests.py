"""What a client asks, and what it is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from pat_platform.engine.plan import GivenRow
from pat_platform.errors import Fault


class GraphQLRequest(NamedTuple):
    """What a client asks (GraphQL over HTTP). ``is_safe``: by GET, which may change nothing.

    ``row``: one event of a subscription, on this row; with ``opens``, only whether there may be some. ``is_pressed``: let through
    although a budget is spent, for what it may be.
    """

    query: str
    operation_name: str | None
    variables: Mapping[str, Any] | None
    is_safe: bool = False
    row: GivenRow | None = None
    opens: bool = False
    is_pressed: bool = False


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Answer(NamedTuple):
    """The bytes of the answer.

    ``code`` is that of a request error: nothing was executed, so that there is no data. ``headers`` are what such an
    error says besides. ``is_early``: it was refused before it was known to be GraphQL.
    """

    body: bytes
    code: str | None = None
    headers: Mapping[str, str] = _NO_HEADERS
    is_early: bool = False


def error(code: str, message: str, path: list[str | int] | None = None) -> dict[str, Any]:
    """An error as clients read it."""
    told: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    if path:
        told["path"] = path
    return told


def request_error(
    errors: Iterable[Mapping[str, Any]], headers: Mapping[str, str] | None = None, extensions: bytes = b""
) -> Answer:
    """The answer to a request that was not executed; its code is that of the first error. ``extensions`` is JSON."""
    told = list(errors)
    body = orjson.dumps({"errors": told})
    if extensions:
        body = body[:-1] + b',"extensions":' + extensions + b"}"
    return Answer(body, told[0]["extensions"]["code"], headers or {})


def faulty(fault: Fault, *, is_early: bool = False) -> Answer:
    """The answer to a request that a fault ended."""
    told = request_error([error(fault.code, fault.message, fault.path)])
    return told._replace(is_early=is_early)


def parse_request(body: Any) -> GraphQLRequest:
    """A decoded body as a request. Raises Fault BAD_INPUT."""
    if not isinstance(body, dict):
        raise Fault("BAD_INPUT", "The body must be a JSON object with a query; batches are not served.")
    query, name = body.get("query"), body.get("operationName")
    variables, extensions = body.get("variables"), body.get("extensions")
    if not isinstance(query, str) or not query.strip():
        raise Fault("BAD_INPUT", "The request needs a query: a string.")
    if name is not None and not isinstance(name, str):
        raise Fault("BAD_INPUT", "operationName must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise Fault("BAD_INPUT", "variables must be an object.")
    if extensions is not None and not isinstance(extensions, dict):
        raise Fault("BAD_INPUT", "extensions must be an object.")
    return GraphQLRequest(query, name or None, variables)


def parse_parameters(parameters: list[tuple[str, str]]) -> GraphQLRequest:
    """The parameters of a GET as a request. Raises Fault BAD_INPUT."""
    given = dict(parameters)
    if len(given) != len(parameters):
        raise Fault("BAD_INPUT", "A parameter may be given once.")
    body: dict[str, Any] = {key: given[key] for key in ("query", "operationName") if key in given}
    for key in ("variables", "extensions"):
        if given.get(key):
            body[key] = _decoded(key, given[key])
    request = parse_request(body)
    return GraphQLRequest(request.query, request.operation_name, request.variables, is_safe=True)


def _decoded(key: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Fault("BAD_INPUT", f"{key} must be a JSON object.") from None

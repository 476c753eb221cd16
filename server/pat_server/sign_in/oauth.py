"""The endpoints that programs ask, not people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from pat_auth.issuer.asked import Answer, Asked, Unfit
from pat_auth.issuer.service import Service
from pat_platform.errors import Fault
from pat_server.sign_in.asking import asked_of, response_of
from pat_server.sign_in.threads import in_thread

Endpoint = Callable[[Request], Awaitable[Response]]

_JSON = (("content-type", "application/json"),)


def token_endpoint(service: Service) -> Endpoint:
    """Exchanges codes for tokens. It answers in JSON, whatever happens."""
    return _for_programs(service, _answer_token)


def revocation_endpoint(service: Service) -> Endpoint:
    """Ends the sessions of tokens that their clients have no use for any more."""
    return _for_programs(service, _answer_revocation)


def introspection_endpoint(service: Service) -> Endpoint:
    """Says whether a client's own tokens still stand."""
    return _for_programs(service, _answer_introspection)


def userinfo_endpoint(service: Service) -> Endpoint:
    """Says who an access token speaks for."""
    return _for_programs(service, _answer_userinfo)


def _for_programs(service: Service, answers: Callable[[Service, Asked], Answer]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            answer = await in_thread(answers, service, await asked_of(request))
        except Unfit as unfit:
            answer = _refusal(unfit.status, "invalid_request", unfit.sentence)
        except Fault as fault:
            answer = _refusal(503, "temporarily_unavailable", fault.message)
        return response_of(answer)

    return endpoint


def _refusal(status: int, error: str, description: str) -> Answer:
    """An error (RFC 6749 §5.2)."""
    return Answer(status, _JSON, orjson.dumps({"error": error, "error_description": description}))


def _answer_token(service: Service, asked: Asked) -> Answer:
    # Authlib takes a while to load: not before somebody asks.
    from pat_auth.issuer.server import answer_token

    return answer_token(service, asked)


def _answer_revocation(service: Service, asked: Asked) -> Answer:
    from pat_auth.issuer.server import answer_endpoint

    return answer_endpoint("revocation", service, asked)


def _answer_introspection(service: Service, asked: Asked) -> Answer:
    from pat_auth.issuer.server import answer_endpoint

    return answer_endpoint("introspection", service, asked)


def _answer_userinfo(service: Service, asked: Asked) -> Answer:
    from pat_auth.issuer.userinfo import answer_userinfo

    return answer_userinfo(service, asked)

"""Userinfo (OpenID Connect Core §5.3): who an access token speaks for."""

from __future__ import annotations

from collections.abc import Collection

import orjson
from authlib.oauth2 import OAuth2Error, ResourceProtector
from authlib.oauth2.rfc6750 import BearerTokenValidator, InvalidTokenError

from pat_auth.issuer.asked import Answer, Asked, Unfit
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.service import Service
from pat_auth.issuer.sessions import is_live
from pat_auth.principal import Principal
from pat_auth.scopes import OPENID
from pat_platform.errors import Fault

_KEPT_BY_NOBODY = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


class _TooFewScopes(InvalidTokenError):
    """An access token that was not given for this. Unlike Authlib's own, it says so in WWW-Authenticate (RFC 6750 §3)."""

    error = "insufficient_scope"
    description = "The access token was not given the scope openid."
    status_code = 403


class _Bearer(BearerTokenValidator):
    """Takes the access tokens that the API takes, as long as their session stands."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    def authenticate_token(self, token_string: str) -> Principal | None:
        """Whom it speaks for; None where it does not, or not any more. No organisation's login is entered that would look."""
        try:
            principal = self._service.verifier.verify(token_string)
        except Fault:
            return None
        with self._service.connections.transaction() as connection:
            return principal if is_live(connection, principal.session) else None

    def validate_token(self, token: Principal | None, scopes: Collection[str], request: OAuthRequest) -> None:
        """Raises InvalidTokenError, or the error of a token without the scope."""
        if token is None:
            raise InvalidTokenError
        if not token.scopes.issuperset(scopes):
            raise _TooFewScopes


def answer_userinfo(service: Service, asked: Asked) -> Answer:
    """Who the access token in the header Authorization speaks for, where and as what; nobody's name.

    Raises Unfit for parameters in the address, and Fault UNAVAILABLE where PostgreSQL does not answer.
    """
    if asked.query:
        raise Unfit(400, "A token stands in the header Authorization alone: addresses are logged.")
    protector = ResourceProtector()
    protector.register_token_validator(_Bearer(service))
    request = OAuthRequest(asked.method, (), list(asked.headers.items()))
    try:
        principal: Principal = protector.validate_request([OPENID], request)  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    except OAuth2Error as error:
        status, body, headers = error(None)
        return Answer(status, tuple(headers), orjson.dumps(body))
    claims = {
        "sub": str(principal.person),
        "org": str(principal.organisation),
        "role": principal.role.value,
    }
    return Answer(200, _KEPT_BY_NOBODY, orjson.dumps(claims))

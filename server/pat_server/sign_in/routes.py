"""Where the issuer answers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pat_auth.issuer.metadata import (
    INTROSPECT,
    JWKS,
    OPENID_CONFIGURATION,
    REVOKE,
    SERVER_METADATA,
    TOKEN,
    USERINFO,
    metadata_of,
)
from pat_auth.issuer.service import Service
from pat_server.sign_in.desk import page_routes
from pat_server.sign_in.oauth import (
    introspection_endpoint,
    revocation_endpoint,
    token_endpoint,
    userinfo_endpoint,
)


def sign_in_routes(service: Service, product: str = "", exit: str = "") -> list[Route]:
    """All that is finished. ``product`` is the name that pages bear, ``exit`` where their quick way out leads.

    What the issuer tells of itself comes from the settings, and never from what a request says of us.
    """
    metadata = metadata_of(service.issuer)

    async def discovery(_: Request) -> Response:
        return JSONResponse(metadata)

    async def jwks(_: Request) -> Response:
        return JSONResponse(service.keys.read().public_set())

    return [
        Route(OPENID_CONFIGURATION, discovery),
        Route(SERVER_METADATA, discovery),
        Route(JWKS, jwks),
        Route(TOKEN, token_endpoint(service), methods=["POST"]),
        Route(REVOKE, revocation_endpoint(service), methods=["POST"]),
        Route(INTROSPECT, introspection_endpoint(service), methods=["POST"]),
        Route(USERINFO, userinfo_endpoint(service), methods=["GET", "POST"]),
        *page_routes(service, product, exit),
    ]

"""The demo's people over HTTP, for the explorer on the same machine and nobody else."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pat_auth.keys import KeysInFile, SigningKeys
from pat_platform.database.credentials import FIRST_GENERATION
from pat_platform.database.logins import ISSUER
from pat_platform.settings import Settings
from pat_server.demo.people import find_person, sign_in_table
from pat_server.demo.sign_in import sign_in

CLIENT = "explorer"
LASTS = timedelta(hours=12)
NOBODY = "Nobody signs in as this."
PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def demo_routes(settings: Settings, keys: KeysInFile) -> list[Route]:
    """Who there is, and a token for one of them. Only for the demo: outside it, people sign in."""
    assert settings.demo, "only the demo hands out tokens"

    # Should a database of real people ever be served as a demo, nobody in it is told or impersonated.
    known = sign_in_table()
    invented = {each.email for each in known}

    async def people(request: Request) -> Response:
        if not is_from_here(request):
            return _refusal(403, "The demo tells its people to this computer only.")
        told = [{"email": each.email, "role": each.role, "organisation": each.organisation} for each in known]
        return JSONResponse({"people": told})

    async def token(request: Request) -> Response:
        if not (is_from_here(request) and is_same_origin(request)):
            return _refusal(403, "The demo hands out tokens to its own page on this computer only.")
        email = request.path_params["email"]
        if email not in invented:
            return _refusal(404, NOBODY)
        try:
            minted = await run_in_threadpool(_token, settings, keys.read(), email)
        except psycopg.Error:
            return _refusal(503, "The database does not answer. Try again in a moment.")
        return JSONResponse({"token": minted}) if minted else _refusal(404, NOBODY)

    return [
        Route("/demo/people", people),
        Route("/demo/people/{email}/token", token, methods=["POST"]),
    ]


def is_from_here(request: Request) -> bool:
    """Whether this machine asks itself, by its own name and with no proxy in between.

    The name counts too: a page elsewhere may let its own name point here (DNS rebinding).
    """
    if request.client is None or any(name in request.headers for name in PROXIED):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def is_same_origin(request: Request) -> bool:
    """Whether a page of this very server asks; every browser says so with a POST."""
    origin = urlsplit(request.headers.get("origin", ""))
    is_ours = (origin.scheme, origin.netloc) == (request.url.scheme, request.headers.get("host"))
    return is_ours and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _token(settings: Settings, keys: SigningKeys, email: str) -> str | None:
    with psycopg.connect(settings.conninfo(ISSUER, FIRST_GENERATION)) as connection:
        member = find_person(connection, email)
        if member is None:
            return None
        return sign_in(connection, member, LASTS, client=CLIENT, settings=settings, keys=keys)


def _refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"message": sentence}, status)

"""The authorization endpoint without its pages: what a client asks for, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError

from pat_auth.issuer.asked import Answer, Pairs, Unfit, parse_pairs
from pat_auth.issuer.clients import Client
from pat_auth.issuer.codes import Chosen, CodeGrant
from pat_auth.issuer.members import Member, reached, served
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.server import Server
from pat_auth.issuer.service import Service
from pat_auth.issuer.standing import Standing, Strength
from pat_platform.database.threads import Connection

ACCESS_DENIED = "access_denied"
LOGIN_REQUIRED = "login_required"
_SOMEBODY = object()


class Wrong(StrEnum):
    """Why nobody is sent back to the client: it is not known, or not known to be there."""

    UNKNOWN_CLIENT = "UNKNOWN_CLIENT"
    UNFIT = "UNFIT"
    """The question is malformed, or names an address that the client has not registered."""


@dataclass(frozen=True)
class Mistake:
    """A page, with status 400. Never a redirect: the address may be anybody's."""

    wrong: Wrong
    detail: str
    """For whoever wrote the client, in English; it may repeat what was sent."""


@dataclass(frozen=True)
class Redirect:
    """Where the browser is sent: to an address of the client's, with its answer. It holds a code, and does not print it."""

    location: str = field(repr=False)


@dataclass(frozen=True)
class Wish:
    """What a client asks for, examined and found in order."""

    client: Client
    redirect_uri: str
    scopes: frozenset[str]
    state: str | None = field(repr=False)
    prompt: frozenset[str]
    max_age: timedelta | None
    acr: Strength | None
    ui_locales: tuple[str, ...]
    query: str = field(repr=False)
    """The question as it came, to be examined again."""


def examine(connection: Connection, service: Service, query: Pairs) -> Wish | Redirect | Mistake:
    """What the query asks for; an error to send to the client; or one that it may not be sent."""
    try:
        request = OAuthRequest.of_query(query)
        Server(connection, service).get_consent_grant(request, _SOMEBODY)  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    except (OAuth2Error, Unfit) as error:
        return _failed(service, error)
    sent, client = request.payload.data, request.client
    assert isinstance(client, Client)
    wanted = sent.get("acr_values", "").split()
    return Wish(
        client=client,
        redirect_uri=sent["redirect_uri"],
        scopes=frozenset(request.scope.split()),
        state=sent.get("state"),
        prompt=frozenset(sent.get("prompt", "").split()),
        max_age=timedelta(seconds=int(sent["max_age"])) if "max_age" in sent else None,
        acr=next((strength for value in wanted for strength in Strength if strength == value), None),
        ui_locales=tuple(sent.get("ui_locales", "").split()),
        query=urlencode(query),
    )


def is_enough(service: Service, wish: Wish, standing: Standing, asked_at: datetime) -> bool:
    """Whether somebody who has signed in need not do it again for this wish, which came at `asked_at`.

    Signing in after the wish came is always enough, in time; else it is not if she is to sign in anew, or did so too long ago.
    """
    if wish.acr is Strength.TWO and standing.acr is not Strength.TWO:
        return False
    if standing.auth_time >= asked_at:
        return True
    age = service.clock() - standing.auth_time
    return "login" not in wish.prompt and (wish.max_age is None or age <= wish.max_age)


def conclude(
    connection: Connection, service: Service, wish: Wish, standing: Standing, member: Member
) -> Redirect | Mistake:
    """Give the client a code for one of the person's memberships. Whether it was given consent is for the caller to know.

    The wish is examined again: the client may have changed, or be disabled, since it came.
    """
    if not reached(served([member], wish.client), standing):
        return deny(service, wish, ACCESS_DENIED)
    server, request = Server(connection, service), OAuthRequest.of_query(pairs_of(wish))
    chosen = Chosen(standing, member)
    try:
        grant: CodeGrant = server.get_consent_grant(request, chosen)  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        answer = server.create_authorization_response(request, grant_user=chosen, grant=grant)
    except OAuth2Error as error:
        return _failed(service, error)
    assert isinstance(answer, Answer)
    return Redirect(_with_issuer(service, dict(answer.headers)["Location"]))


def deny(service: Service, wish: Wish, error: str) -> Redirect:
    """Send the client an error: `access_denied`, or one of OpenID Connect's."""
    return _redirect(service, wish.redirect_uri, error, None, wish.state)


def pairs_of(wish: Wish) -> Pairs:
    """The question as it came."""
    return parse_pairs(wish.query.encode())


def _failed(service: Service, error: OAuth2Error | Unfit) -> Redirect | Mistake:
    if isinstance(error, Unfit):
        return Mistake(Wrong.UNFIT, error.sentence)
    description = error.get_error_description()
    if error.redirect_uri:
        return _redirect(service, error.redirect_uri, str(error.error), description, error.state)
    unknown = isinstance(error, InvalidClientError)
    return Mistake(Wrong.UNKNOWN_CLIENT if unknown else Wrong.UNFIT, description)


def _redirect(
    service: Service, redirect_uri: str, error: str, description: str | None, state: str | None
) -> Redirect:
    told = (("error", error), ("error_description", description), ("state", state))
    params = [(name, value) for name, value in told if value]
    return Redirect(_with_issuer(service, add_params_to_uri(redirect_uri, params)))


def _with_issuer(service: Service, location: str) -> str:
    """The address with who answers (RFC 9207): a client that asks several issuers must not mix them up."""
    return add_params_to_uri(location, [("iss", service.issuer)])

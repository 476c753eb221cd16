"""Signing out, when a client sends a browser here for it (OpenID Connect RP-Initiated Logout 1.0).

Whoever signs out ends all that was granted in this browser: on a phone that others use too, nothing may stay behind.
"""

from __future__ import annotations

from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oidc.rpinitiated import EndSessionRequest

from pat_auth.issuer.asked import LONGEST_QUERY, Answer, Asked, Pairs, Unfit, once
from pat_auth.issuer.browsers import Browser, end_browser, find_browser
from pat_auth.issuer.endpoints import EndSession
from pat_auth.issuer.requests import OAuthRequest
from pat_auth.issuer.server import Server
from pat_auth.issuer.sessions import is_opened_in, revoke_sessions_in
from pat_platform.database.threads import Connection
from pat_server.sign_in.cookies import secret_in, without_secret
from pat_server.sign_in.forms import TOKEN, form_token, is_from_here, is_token
from pat_server.sign_in.pages import Headers, redirect
from pat_server.sign_in.visits import Desk
from pat_server.sign_in.wording import NOT_FROM_HERE, NOT_UNDERSTOOD, SIGNED_OUT

BECAUSE = "signed out"


def leave(desk: Desk, asked: Asked) -> Answer:
    """Sign somebody out: at once where the client shows that it means her session in this browser, else once she says so.

    Raises Unfit for parameters that come twice, and Fault UNAVAILABLE.
    """
    posted = once(asked.form)
    if asked.method == "POST" and TOKEN not in posted:
        # A client that posts does so from its own page, where browsers leave out our cookie.
        return redirect(_address(asked.path, asked.form))
    once(asked.query)
    with desk.service.connections.transaction() as connection:
        try:
            wish = Server(connection, desk.service).validate_endpoint_request(
                EndSession.ENDPOINT_NAME, OAuthRequest.of_query(asked.query)
            )
        except OAuth2Error:
            return desk.pages.notice(asked, NOT_UNDERSTOOD, 400)
        assert isinstance(wish, EndSessionRequest)
        secret = secret_in(asked.cookies, desk.service.issuer)
        browser = find_browser(connection, desk.service, secret)
        if browser is None or secret is None:
            return _signed_out(desk, asked, wish)
        if asked.method == "POST":
            if not _is_ours(desk, asked, secret, posted[TOKEN]):
                return desk.pages.notice(asked, NOT_FROM_HERE, 403, link=_address(asked.path, asked.query))
        elif not _is_meant(connection, wish, browser):
            return _question(desk, asked, secret, wish)
        end_browser(connection, desk.service, browser.id)
        revoke_sessions_in(connection, browser.id, BECAUSE)
    return _signed_out(desk, asked, wish, (without_secret(desk.service.issuer),))


def _is_meant(connection: Connection, wish: EndSessionRequest, browser: Browser) -> bool:
    claims = wish.id_token_claims
    return claims is not None and is_opened_in(connection, claims["sid"], browser.id)


def _is_ours(desk: Desk, asked: Asked, secret: str, given: str) -> bool:
    return is_from_here(asked.headers, desk.service.issuer) and is_token(
        desk.service.secrets.forms, given, secret, asked.path, _about(asked)
    )


def _question(desk: Desk, asked: Asked, secret: str, wish: EndSessionRequest) -> Answer:
    token = form_token(desk.service.secrets.forms, secret, asked.path, _about(asked))
    return desk.pages.page(
        asked,
        "sign_out.html",
        target=wish.redirect_uri,
        action=_address(asked.path, asked.query),
        form_token=token,
    )


def _signed_out(desk: Desk, asked: Asked, wish: EndSessionRequest, headers: Headers = ()) -> Answer:
    if wish.redirect_uri is not None:
        return redirect(wish.redirect_uri, headers)
    return desk.pages.page(
        asked,
        "notice.html",
        headers=headers,
        heading=SIGNED_OUT.heading,
        sentence=SIGNED_OUT.sentence,
        link=None,
        reference=None,
    )


def _about(asked: Asked) -> str:
    """What the form is about: the language of its page is not part of it."""
    return urlencode([(name, value) for name, value in asked.query if name != "lang"])


def _address(path: str, pairs: Pairs) -> str:
    """The page again, by GET. Raises Unfit if it would be too long."""
    address = f"{path}?{urlencode(pairs)}"
    if len(address) > LONGEST_QUERY:
        raise Unfit(413, f"More than {LONGEST_QUERY} bytes.")
    return address

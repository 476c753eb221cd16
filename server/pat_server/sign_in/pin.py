"""Pages of those who sign in with a PIN on a device that others use too, and the quick way out of every page there."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.browsers import end_browser, find_browser, keep_first
from pat_auth.issuer.methods import Method
from pat_auth.issuer.pins import Arrived, Flaw, Wanted, begin_pin, prove_pin
from pat_auth.issuer.service import Service
from pat_auth.issuer.sessions import revoke_sessions_in
from pat_platform.database.threads import Connection
from pat_platform.errors import Fault
from pat_server.sign_in import flow
from pat_server.sign_in.cookies import (
    secret_in,
    token_in,
    with_exit,
    with_token,
    without_secret,
    without_token,
)
from pat_server.sign_in.flow import ForClient
from pat_server.sign_in.forms import TOKEN, form_token, is_from_here, is_token
from pat_server.sign_in.pages import Pages
from pat_server.sign_in.pages import redirect as lead
from pat_server.sign_in.visits import NOWHERE, Desk, Visit, arrive, promoted, typed
from pat_server.sign_in.wording import NOT_FROM_HERE, PIN_GONE, PIN_KEPT

START = "/sign-in/start"
LEFT = "left by the quick way out"


def visit_pin(desk: Desk, asked: Asked) -> Answer:
    """The page that asks for a name and a PIN. Raises Unfit and Fault UNAVAILABLE as pages do."""
    is_posted = asked.method == "POST"
    if is_posted and not is_from_here(asked.headers, desk.service.issuer):
        return desk.pages.notice(asked, NOT_FROM_HERE, 403)
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
    if isinstance(visit, Answer):
        return visit
    if not isinstance(visit.errand, ForClient):
        # Pages of ours are for those who stay signed in with this browser.
        return lead(flow.address(flow.SIGN_IN, visit.errand), visit.cookies)
    if not is_posted:
        return _pin_page(visit)
    if not visit.is_ours(NOWHERE):
        return visit.too_old()
    name, pin = typed(asked, "name"), typed(asked, "pin")
    arrived, secret, kept = None, visit.secret, list[str | None]()

    def keep(connection: Connection, arrived: Arrived) -> None:
        person, is_duress = arrived.person, arrived.is_duress
        kept.append(keep_first(connection, desk.service, secret, person, Method.PIN, is_duress=is_duress))

    if name and pin:
        arrived = prove_pin(desk.service, name=name, pin=pin, address=asked.address, then=keep)
    if arrived is None:
        return _pin_page(visit, "REFUSED" if name and pin else "PIN" if name else "NAME", name)
    return promoted(visit, lambda *_: kept[0], arrived.person, Method.PIN)


def _pin_page(visit: Visit, wrong: str | None = None, name: str = "") -> Answer:
    return visit.page(
        "pin.html",
        NOWHERE,
        path=flow.PIN,
        status=400 if wrong else 200,
        wrong=wrong,
        name=name,
        more=(with_exit(visit.service.issuer),),
    )


def start(service: Service, pages: Pages, asked: Asked) -> Answer:
    """The page behind a link: somebody chooses her name and her PIN. Following the link spends nothing."""
    is_posted = asked.method == "POST"
    if is_posted and not is_from_here(asked.headers, service.issuer):
        return pages.notice(asked, NOT_FROM_HERE, 403)
    query = once(asked.query)
    if not is_posted and (token := query.get("token")):
        language = f"?{urlencode({'lang': query['lang']})}" if "lang" in query else ""
        cookies = (with_token(token, service.issuer), with_exit(service.issuer))
        return lead(START + language, cookies)
    held = token_in(asked.cookies, service.issuer)
    if held is None:
        return pages.notice(asked, PIN_GONE, 404)
    if not is_posted:
        return _start_page(service, pages, asked, held)
    if not is_token(service.secrets.forms, once(asked.form).get(TOKEN, ""), held, START):
        return pages.notice(asked, NOT_FROM_HERE, 403)
    wanted = Wanted(*(typed(asked, field) for field in ("name", "pin", "again", "other")))
    flaw = begin_pin(service, token=held, wanted=wanted, address=asked.address)
    if flaw is Flaw.GONE:
        return pages.notice(asked, PIN_GONE, 404)
    if flaw is not None:
        return _start_page(service, pages, asked, held, flaw, wanted.name)
    return pages.page(
        asked,
        "notice.html",
        headers=(without_token(service.issuer),),
        heading=PIN_KEPT.heading,
        sentence=PIN_KEPT.sentence,
        link=None,
        reference=None,
        languages={},
    )


def _start_page(
    service: Service, pages: Pages, asked: Asked, token: str, wrong: Flaw | None = None, name: str = ""
) -> Answer:
    return pages.page(
        asked,
        "pin_start.html",
        status=400 if wrong else 200,
        action=START,
        form_token=form_token(service.secrets.forms, token, START),
        wrong=wrong,
        name=name,
    )


def leave_quickly(service: Service, pages: Pages, asked: Asked) -> Answer:
    """The way to a page that tells nothing; posted from here, all that was opened in this browser ends. It never fails."""
    headers: tuple[tuple[str, str], ...] = ()
    if asked.method == "POST" and is_from_here(asked.headers, service.issuer):
        headers = (without_secret(service.issuer), without_token(service.issuer))
        # What cannot be ended now ends by itself soon. She must be gone at once.
        with suppress(Fault):
            _end(service, asked)
    return Answer(
        303,
        (
            ("location", pages.exit),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            *headers,
        ),
    )


def _end(service: Service, asked: Asked) -> None:
    with service.connections.transaction() as connection:
        browser = find_browser(connection, service, secret_in(asked.cookies, service.issuer))
        if browser is not None:
            revoke_sessions_in(connection, browser.id, LEFT)
            end_browser(connection, service, browser.id)

"""Somebody at a page of signing in: with what she came, how far she is, and the way on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

from pat_auth.issuer.asked import Answer, Asked, once, parse_pairs
from pat_auth.issuer.asks import Ask, end_ask, find_ask
from pat_auth.issuer.authorizing import Mistake, Redirect, Wish, Wrong, examine
from pat_auth.issuer.browsers import Browser, find_browser, open_browser
from pat_auth.issuer.consents import hash_of
from pat_auth.issuer.known_browsers import LASTS, keep_known
from pat_auth.issuer.methods import Method
from pat_auth.issuer.service import Service
from pat_auth.policy import Role
from pat_platform.database.threads import Connection
from pat_server.sign_in import flow
from pat_server.sign_in.cookies import known_in, secret_in, with_known, with_secret
from pat_server.sign_in.flow import Errand, ForClient, ForPage, Place, Step
from pat_server.sign_in.forms import TOKEN, form_token, is_token
from pat_server.sign_in.pages import Headers, Offer, Pages, redirect
from pat_server.sign_in.wording import NOT_FROM_HERE, NOT_UNDERSTOOD, TOO_OLD, UNKNOWN_PROGRAM

LONGEST_TYPED = 1024
NOWHERE = Place(Step.SIGN_IN)
"""The first page is the same for everybody who sees it."""


@dataclass(frozen=True)
class Desk:
    """Where people sign in."""

    service: Service
    pages: Pages


@dataclass(frozen=True)
class Visit:
    """Somebody at a page, with the browser that she came with and what she is here for."""

    desk: Desk
    asked: Asked
    secret: str = field(repr=False)
    browser: Browser
    errand: Errand
    cookies: Headers = ()
    """What the browser is to keep from now on."""

    @property
    def service(self) -> Service:
        """The issuer."""
        return self.desk.service

    def place(self, connection: Connection) -> Place:
        """How far she has come."""
        return flow.place_of(connection, self.service, self.browser, self.errand)

    def about(self, place: Place) -> str:
        """What a form on this visit is about: its token is good for nothing else."""
        if place.member is None or not isinstance(self.errand, ForClient):
            return f"{flow.address('', self.errand)}|"
        # What she allows is what she was shown: a client that is changed meanwhile was another one.
        shown = hash_of(self.errand.wish.client).hex()
        return f"{flow.address('', self.errand)}|{place.member.membership}|{shown}"

    def is_ours(self, place: Place) -> bool:
        """Whether the form that was posted is the one that this browser was shown here."""
        given = once(self.asked.form).get(TOKEN, "")
        key = self.service.secrets.forms
        return is_token(key, given, self.secret, self.asked.path, self.about(place))

    def page(
        self,
        template: str,
        place: Place,
        *,
        path: str = "",
        status: int = 200,
        more: Headers = (),
        **values: object,
    ) -> Answer:
        """A page with a form that is posted to ``path``, or else to where the page is."""
        path = path or self.asked.path
        wish = self.errand.wish if isinstance(self.errand, ForClient) else None
        return self.desk.pages.page(
            self.asked,
            template,
            status=status,
            target=wish.redirect_uri if wish else None,
            locales=wish.ui_locales if wish else (),
            headers=(*self.cookies, *more),
            client=wish.client if wish else None,
            action=flow.address(path, self.errand),
            other=flow.address(flow.SIGN_IN, self.errand),
            form_token=form_token(self.service.secrets.forms, self.secret, path, self.about(place)),
            **{"email": self.browser.email, **values},
        )

    def passkey(self, path: str, place: Place, options: str | None) -> Offer | None:
        """The form that asks for a passkey, and is posted to ``path``."""
        if options is None:
            return None
        token = form_token(self.service.secrets.forms, self.secret, path, self.about(place))
        return Offer(flow.address(path, self.errand), token, options)

    def too_old(self) -> Answer:
        """The answer to a form that is not, or no longer, ours: nothing has happened, she may begin again."""
        again = flow.address(flow.SIGN_IN, self.errand)
        return self.desk.pages.notice(self.asked, NOT_FROM_HERE, 403, link=again)


def arrive(
    connection: Connection, desk: Desk, asked: Asked, secret: str | None = None, cookies: Headers = ()
) -> Visit | Answer:
    """The visit that a page is asked for, or what is answered where there is none: nobody else's ask is known to this browser."""
    service, query = desk.service, once(asked.query)
    secret = secret or secret_in(asked.cookies, service.issuer)
    browser = find_browser(connection, service, secret)
    if (to := query.get("to")) in flow.RETURNS and "ask" not in query:
        if browser is None and asked.method != "POST":
            browser, secret = open_browser(connection, service)
            cookies = (with_secret(secret, service.issuer),)
        if browser is not None and secret is not None:
            return Visit(desk, asked, secret, browser, ForPage(str(to)), cookies)
    ask = _asked_for(connection, service, query.get("ask", ""), browser)
    if ask is None or browser is None or secret is None:
        return desk.pages.notice(asked, TOO_OLD, 404)
    wish = examine(connection, service, parse_pairs(ask.query.encode()))
    if not isinstance(wish, Wish):
        # The client was disabled meanwhile, or may do less.
        end_ask(connection, service, ask.id)
        return told(desk, asked, wish)
    return Visit(desk, asked, secret, browser, ForClient(ask, wish), cookies)


def _asked_for(connection: Connection, service: Service, given: str, browser: Browser | None) -> Ask | None:
    try:
        ident = UUID(given)
    except ValueError:
        return None
    return find_ask(connection, service, ask=ident, browser=browser.id) if browser else None


def at_form(connection: Connection, desk: Desk, asked: Asked) -> tuple[Visit, Place] | Answer:
    """Where somebody is whose form this is; or what is answered where there is no such visit, or the form is not ours."""
    visit = arrive(connection, desk, asked)
    if isinstance(visit, Answer):
        return visit
    place = visit.place(connection)
    # Of a membership that has ended meanwhile there is nothing left to ask: its client is denied in any case.
    if place.step is not Step.LOST and not visit.is_ours(place):
        return visit.too_old()
    return visit, place


def promoted(
    visit: Visit,
    keep: Callable[[Connection, Service, str, UUID, Method], str | None],
    person: UUID,
    method: Method,
) -> Answer:
    """Keep what was proved, under a new secret, and lead on."""
    service = visit.service
    with service.connections.transaction() as connection:
        secret = keep(connection, service, visit.secret, person, method)
        if secret is None:
            return visit.too_old()
        cookies = (with_secret(secret, service.issuer),)
        arrived = arrive(connection, visit.desk, visit.asked, secret, cookies)
        if isinstance(arrived, Answer):
            return replace(arrived, headers=(*arrived.headers, *cookies))
        place = arrived.place(connection)
        known = (*arrived.cookies, *_known_from_now_on(connection, arrived, place))
        return onward(connection, replace(arrived, cookies=known), place)


def _known_from_now_on(connection: Connection, visit: Visit, place: Place) -> Headers:
    """What a browser keeps in which somebody has proved all that she has: none that others use too, as survivors do."""
    standing, issuer = place.standing, visit.service.issuer
    if standing is None or standing.within or place.step is Step.CODE or Method.PIN in standing.methods:
        return ()
    if any(member.role is Role.SURVIVOR for member in place.members):
        return ()
    known_by = keep_known(connection, visit.service, known_in(visit.asked.cookies, issuer), standing.person)
    return () if known_by is None else (with_known(known_by, issuer, days=LASTS.days),)


def onward(connection: Connection, visit: Visit, place: Place) -> Answer:
    """The way to the page that is due, or back to the client, or to our page that she signed in for."""
    if isinstance(visit.errand, ForClient):
        flow.hold(connection, visit.errand, place)
    if place.step in flow.PATHS:
        return redirect(flow.address(flow.PATHS[place.step], visit.errand), visit.cookies)
    return finished(connection, visit, place)


def finished(connection: Connection, visit: Visit, place: Place) -> Answer:
    if isinstance(visit.errand, ForPage):
        return redirect(flow.RETURNS[visit.errand.name], visit.cookies)
    found = flow.finish(connection, visit.service, visit.browser, visit.errand, place)
    return told(visit.desk, visit.asked, found, visit.cookies)


def told(desk: Desk, asked: Asked, found: Redirect | Mistake, cookies: Headers = ()) -> Answer:
    """A redirect to the client; or, where it might be to anybody, a page that says what is wrong."""
    if isinstance(found, Redirect):
        return redirect(found.location, cookies)
    notice = UNKNOWN_PROGRAM if found.wrong is Wrong.UNKNOWN_CLIENT else NOT_UNDERSTOOD
    return desk.pages.notice(asked, notice, 400)


def typed(asked: Asked, name: str) -> str:
    """What was typed into a field, if it is not longer than the field lets it be."""
    text = once(asked.form).get(name, "")
    return text if len(text) <= LONGEST_TYPED else ""

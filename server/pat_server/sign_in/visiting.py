"""The pages of signing in: what each shows, and what happens when its form comes back.

What is asked of PostgreSQL for one request is one transaction, but for the two that look at what somebody typed: those hash,
and count, with no connection in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from pat_auth.issuer.asked import LONGEST_QUERY, Answer, Asked, once, parse_pairs
from pat_auth.issuer.asks import Ask, choose_membership, end_ask, find_ask, keep_ask, new_ask
from pat_auth.issuer.authorizing import (
    LOGIN_REQUIRED,
    Mistake,
    Redirect,
    Wish,
    Wrong,
    deny,
    examine,
)
from pat_auth.issuer.browsers import Browser, find_browser, keep_first, keep_second, open_browser
from pat_auth.issuer.consents import allow
from pat_auth.issuer.methods import Method
from pat_auth.issuer.passkeys import begin_second, begin_sign_in
from pat_auth.issuer.proving import has_generator, prove_password, prove_second
from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection
from pat_server.sign_in import flow
from pat_server.sign_in.cookies import secret_in, with_secret
from pat_server.sign_in.flow import Errand, ForClient, ForPage, Place, Step
from pat_server.sign_in.forms import TOKEN, form_token, is_from_here, is_token
from pat_server.sign_in.pages import Headers, Offer, Pages, redirect
from pat_server.sign_in.wording import (
    MAY,
    MAY_NOT,
    NOT_FROM_HERE,
    NOT_UNDERSTOOD,
    TOO_OLD,
    UNKNOWN_PROGRAM,
    WITHOUT_PLACE,
    WITHOUT_SECOND,
)

LONGEST_TYPED = 1024
CONSENT_REQUIRED, INTERACTION_REQUIRED = "consent_required", "interaction_required"
_UNASKED = {
    Step.SIGN_IN: LOGIN_REQUIRED,
    Step.CODE: LOGIN_REQUIRED,
    Step.MEMBERSHIP: INTERACTION_REQUIRED,
    Step.WITHOUT_PLACE: INTERACTION_REQUIRED,
    Step.WITHOUT_SECOND: INTERACTION_REQUIRED,
    Step.CONSENT: CONSENT_REQUIRED,
}
"""What a client is told that wants no page to be shown (OpenID Connect Core §3.1.2.6)."""


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
        member = place.member.membership if place.member else ""
        return f"{flow.address('', self.errand)}|{member}"

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


def authorize(desk: Desk, asked: Asked) -> Answer:
    """What a browser is answered that a client has sent here."""
    with desk.service.connections.transaction() as connection:
        wish = examine(connection, desk.service, asked.query)
        if not isinstance(wish, Wish):
            return _told(desk, asked, wish)
        if len(wish.query) > LONGEST_QUERY:
            return _told(desk, asked, Mistake(Wrong.UNFIT, f"More than {LONGEST_QUERY} bytes."))
        visit = _arrive_with(connection, desk, asked, wish)
        place = visit.place(connection)
        if "none" in wish.prompt and place.step in _UNASKED:
            return _told(desk, asked, deny(desk.service, wish, _UNASKED[place.step]))
        if place.step in flow.PATHS:
            assert isinstance(visit.errand, ForClient)
            keep_ask(connection, visit.errand.ask, browser=visit.browser.id, client=wish.client.id)
        return onward(connection, visit, place)


def _arrive_with(connection: Connection, desk: Desk, asked: Asked, wish: Wish) -> Visit:
    """A visit for a new wish, with a browser that will last as long as it takes."""
    service = desk.service
    errand = ForClient(new_ask(service, wish.query), wish)
    secret = secret_in(asked.cookies, service.issuer)
    browser = find_browser(connection, service, secret)
    if secret is not None and browser is not None and not browser.is_worn(service.clock()):
        return Visit(desk, asked, secret, browser, errand)
    if "none" in wish.prompt:
        # Nothing will be shown, so that there is nothing to keep.
        return Visit(desk, asked, "", Browser(UUID(int=0), service.clock()), errand)
    browser, secret = open_browser(connection, service)
    return Visit(desk, asked, secret, browser, errand, (with_secret(secret, service.issuer),))


def show(desk: Desk, asked: Asked) -> Answer:
    """A page, by its path; or the way to the one that is due."""
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
        if isinstance(visit, Answer):
            return visit
        place = visit.place(connection)
        if isinstance(visit.errand, ForClient):
            flow.hold(connection, visit.errand, place)
        if asked.path == flow.SIGN_IN:
            return sign_in_page(connection, visit)
        if asked.path == flow.MEMBERSHIP and len(place.members) > 1:
            return visit.page("membership.html", place, members=place.members)
        if flow.PATHS.get(place.step) != asked.path:
            return onward(connection, visit, place)
        if place.step is Step.CODE:
            return code_page(connection, visit, place)
        if place.step is Step.CONSENT:
            return _consent_page(visit, place)
        notice = WITHOUT_PLACE if place.step is Step.WITHOUT_PLACE else WITHOUT_SECOND
        return visit.page(
            "stop.html", place, path=flow.CONSENT, heading=notice.heading, sentence=notice.sentence
        )


def sign_in(desk: Desk, asked: Asked) -> Answer:
    """Take what somebody typed on the first page."""
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
    if isinstance(visit, Answer):
        return visit
    if not visit.is_ours(NOWHERE):
        return visit.too_old()
    email, password = _typed(asked, "email"), _typed(asked, "password")
    wrong = "REFUSED" if email and password else "PASSWORD" if email else "EMAIL"
    person = None
    if wrong == "REFUSED":
        person = prove_password(desk.service, email=email, password=password, address=asked.address)
    if person is None:
        with desk.service.connections.transaction() as connection:
            return sign_in_page(connection, visit, wrong, email)
    return promoted(visit, keep_first, person, Method.PASSWORD)


def enter_code(desk: Desk, asked: Asked) -> Answer:
    """Take what somebody typed on the page of the second factor."""
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
        if isinstance(visit, Answer):
            return visit
        place = visit.place(connection)
        if not visit.is_ours(place):
            return visit.too_old()
        if place.step is not Step.CODE or place.standing is None:
            return onward(connection, visit, place)
    recovery = _typed(asked, "recovery")
    code, is_recovery = recovery or _typed(asked, "code"), bool(recovery)
    person, method = place.standing.person, None
    if code:
        method = prove_second(desk.service, person=person, code=code, address=asked.address)
    if method is None:
        with desk.service.connections.transaction() as connection:
            return code_page(connection, visit, place, "REFUSED" if code else "CODE", is_recovery=is_recovery)
    return promoted(visit, keep_second, person, method)


def choose(desk: Desk, asked: Asked) -> Answer:
    """Take the membership that somebody chose."""
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
        if isinstance(visit, Answer):
            return visit
        place = visit.place(connection)
        if not visit.is_ours(place):
            return visit.too_old()
        chosen = once(asked.form).get("membership")
        member = next((each for each in place.members if str(each.membership) == chosen), None)
        if member is None or not isinstance(visit.errand, ForClient):
            return onward(connection, visit, place)
        choose_membership(connection, visit.errand.ask.id, member.membership)
        ask = replace(visit.errand.ask, membership=member.membership)
        visit = replace(visit, errand=ForClient(ask, visit.errand.wish))
        return onward(connection, visit, visit.place(connection))


def answer(desk: Desk, asked: Asked) -> Answer:
    """Take what somebody answered to what a client may do: allowed, or not."""
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
        if isinstance(visit, Answer):
            return visit
        place = visit.place(connection)
        # Of a membership that has ended meanwhile there is nothing left to allow: the client is denied in any case.
        if place.step is not Step.LOST and not visit.is_ours(place):
            return visit.too_old()
        given = once(asked.form).get("answer")
        if given == "deny" and isinstance(visit.errand, ForClient):
            return _finished(connection, visit, replace(place, member=None))
        if given != "allow" or place.step is not Step.CONSENT:
            return onward(connection, visit, place)
        assert isinstance(visit.errand, ForClient)
        assert place.standing is not None
        assert place.member is not None
        allow(
            connection,
            desk.service,
            person=place.standing.person,
            client=visit.errand.wish.client.id,
            membership=place.member.membership,
            scopes=visit.errand.wish.scopes,
        )
        return _finished(connection, visit, place)


NOWHERE = Place(Step.SIGN_IN)
"""The first page is the same for everybody who sees it."""
_ANSWERS: Mapping[tuple[str, str], Callable[[Desk, Asked], Answer]] = {
    ("GET", flow.SIGN_IN): show,
    ("GET", flow.CODE): show,
    ("GET", flow.MEMBERSHIP): show,
    ("GET", flow.CONSENT): show,
    ("POST", flow.SIGN_IN): sign_in,
    ("POST", flow.CODE): enter_code,
    ("POST", flow.MEMBERSHIP): choose,
    ("POST", flow.CONSENT): answer,
}


def visit(desk: Desk, asked: Asked) -> Answer:
    """What a page answers. Raises Unfit for parameters that come twice, and Fault UNAVAILABLE."""
    if asked.method == "POST" and not is_from_here(asked.headers, desk.service.issuer):
        return desk.pages.notice(asked, NOT_FROM_HERE, 403)
    return _ANSWERS["POST" if asked.method == "POST" else "GET", asked.path](desk, asked)


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
        return _told(desk, asked, wish)
    return Visit(desk, asked, secret, browser, ForClient(ask, wish), cookies)


def _asked_for(connection: Connection, service: Service, given: str, browser: Browser | None) -> Ask | None:
    try:
        ident = UUID(given)
    except ValueError:
        return None
    return find_ask(connection, service, ask=ident, browser=browser.id) if browser else None


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
        return onward(connection, arrived, arrived.place(connection))


def onward(connection: Connection, visit: Visit, place: Place) -> Answer:
    """The way to the page that is due, or back to the client, or to our page that she signed in for."""
    if isinstance(visit.errand, ForClient):
        flow.hold(connection, visit.errand, place)
    if place.step in flow.PATHS:
        return redirect(flow.address(flow.PATHS[place.step], visit.errand), visit.cookies)
    return _finished(connection, visit, place)


def _finished(connection: Connection, visit: Visit, place: Place) -> Answer:
    if isinstance(visit.errand, ForPage):
        return redirect(flow.RETURNS[visit.errand.name], visit.cookies)
    found = flow.finish(connection, visit.service, visit.browser, visit.errand, place)
    return _told(visit.desk, visit.asked, found, visit.cookies)


def _told(desk: Desk, asked: Asked, found: Redirect | Mistake, cookies: Headers = ()) -> Answer:
    """A redirect to the client; or, where it might be to anybody, a page that says what is wrong."""
    if isinstance(found, Redirect):
        return redirect(found.location, cookies)
    notice = UNKNOWN_PROGRAM if found.wrong is Wrong.UNKNOWN_CLIENT else NOT_UNDERSTOOD
    return desk.pages.notice(asked, notice, 400)


def sign_in_page(connection: Connection, visit: Visit, wrong: str | None = None, email: str = "") -> Answer:
    """The first page, with what was wrong."""
    options = begin_sign_in(connection, visit.service, visit.browser.id)
    return visit.page(
        "sign_in.html",
        NOWHERE,
        path=flow.SIGN_IN,
        status=400 if wrong else 200,
        wrong=wrong,
        email=email,
        passkey=visit.passkey(flow.PASSKEY, NOWHERE, options),
        pin=flow.address(flow.PIN, visit.errand) if isinstance(visit.errand, ForClient) else None,
    )


def code_page(
    connection: Connection,
    visit: Visit,
    place: Place,
    wrong: str | None = None,
    *,
    is_recovery: bool = False,
) -> Answer:
    """The page of the second factor, with what was wrong."""
    assert place.standing is not None
    person = place.standing.person
    options = begin_second(connection, visit.service, visit.browser.id, person)
    return visit.page(
        "code.html",
        place,
        path=flow.CODE,
        status=400 if wrong else 200,
        wrong=wrong,
        is_recovery=is_recovery,
        has_generator=has_generator(connection, person),
        passkey=visit.passkey(flow.CODE_PASSKEY, place, options),
    )


def _consent_page(visit: Visit, place: Place) -> Answer:
    assert isinstance(visit.errand, ForClient)
    scopes = visit.errand.wish.scopes
    return visit.page(
        "consent.html",
        place,
        member=place.member,
        may=[sentence for scope, sentence in MAY.items() if scope in scopes],
        may_not=[sentence for scope, sentence in MAY_NOT.items() if scope not in scopes],
        members=flow.address(flow.MEMBERSHIP, visit.errand) if len(place.members) > 1 else None,
    )


def _typed(asked: Asked, name: str) -> str:
    """What was typed into a field, if it is not longer than the field lets it be."""
    text = once(asked.form).get(name, "")
    return text if len(text) <= LONGEST_TYPED else ""

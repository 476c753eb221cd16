"""The pages of signing in: what each shows, and what happens when its form comes back.

What is asked of PostgreSQL for one request is one transaction, but for the two that look at what somebody typed: those hash,
and count, with no connection in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from pat_auth.issuer.asked import LONGEST_QUERY, Answer, Asked, once
from pat_auth.issuer.asks import choose_membership, keep_ask, new_ask
from pat_auth.issuer.authorizing import (
    LOGIN_REQUIRED,
    Mistake,
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
from pat_auth.issuer.upstreams import offered
from pat_platform.database.threads import Connection
from pat_server.sign_in import flow
from pat_server.sign_in.cookies import known_in, secret_in, with_secret
from pat_server.sign_in.flow import ForClient, Place, Step
from pat_server.sign_in.forms import is_from_here
from pat_server.sign_in.visits import (
    NOWHERE,
    Desk,
    Visit,
    arrive,
    at_form,
    finished,
    onward,
    promoted,
    told,
    typed,
)
from pat_server.sign_in.wording import (
    MAY,
    MAY_NOT,
    NOT_FROM_HERE,
    WITHOUT_PLACE,
    WITHOUT_SECOND,
)

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


def authorize(desk: Desk, asked: Asked) -> Answer:
    """What a browser is answered that a client has sent here."""
    with desk.service.connections.transaction() as connection:
        wish = examine(connection, desk.service, asked.query)
        if not isinstance(wish, Wish):
            return told(desk, asked, wish)
        if len(wish.query) > LONGEST_QUERY:
            return told(desk, asked, Mistake(Wrong.UNFIT, f"More than {LONGEST_QUERY} bytes."))
        visit = _arrive_with(connection, desk, asked, wish)
        place = visit.place(connection)
        if "none" in wish.prompt and place.step in _UNASKED:
            return told(desk, asked, deny(desk.service, wish, _UNASKED[place.step]))
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
    email, password = typed(asked, "email"), typed(asked, "password")
    wrong = "REFUSED" if email and password else "PASSWORD" if email else "EMAIL"
    person, secret, kept = None, visit.secret, list[str | None]()

    def keep(connection: Connection, person: UUID) -> None:
        kept.append(keep_first(connection, desk.service, secret, person, Method.PASSWORD))

    if wrong == "REFUSED":
        person = prove_password(
            desk.service,
            email=email,
            password=password,
            address=asked.address,
            known_by=known_in(asked.cookies, desk.service.issuer),
            then=keep,
        )
    if person is None:
        with desk.service.connections.transaction() as connection:
            return sign_in_page(connection, visit, wrong, email)
    return promoted(visit, lambda *_: kept[0], person, Method.PASSWORD)


def enter_code(desk: Desk, asked: Asked) -> Answer:
    """Take what somebody typed on the page of the second factor."""
    with desk.service.connections.transaction() as connection:
        found = at_form(connection, desk, asked)
        if isinstance(found, Answer):
            return found
        visit, place = found
        if place.step is not Step.CODE or place.standing is None:
            return onward(connection, visit, place)
    recovery = typed(asked, "recovery")
    code, is_recovery = recovery or typed(asked, "code"), bool(recovery)
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
        found = at_form(connection, desk, asked)
        if isinstance(found, Answer):
            return found
        visit, place = found
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
        found = at_form(connection, desk, asked)
        if isinstance(found, Answer):
            return found
        visit, place = found
        given = once(asked.form).get("answer")
        if given == "deny" and isinstance(visit.errand, ForClient):
            return finished(connection, visit, replace(place, member=None))
        if given != "allow" or place.step is not Step.CONSENT:
            return onward(connection, visit, place)
        assert isinstance(visit.errand, ForClient)
        assert place.standing is not None
        assert place.member is not None
        allow(
            connection,
            desk.service,
            person=place.standing.person,
            client=visit.errand.wish.client,
            membership=place.member.membership,
            scopes=visit.errand.wish.scopes,
        )
        return finished(connection, visit, place)


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


def sign_in_page(connection: Connection, visit: Visit, wrong: str | None = None, email: str = "") -> Answer:
    """The first page, with what was wrong."""
    options = begin_sign_in(connection, visit.service, visit.browser.id)
    upstreams = offered(connection, visit.errand.wish.client) if isinstance(visit.errand, ForClient) else ()
    return visit.page(
        "sign_in.html",
        NOWHERE,
        path=flow.SIGN_IN,
        status=400 if wrong else 200,
        wrong=wrong,
        email=email,
        passkey=visit.passkey(flow.PASSKEY, NOWHERE, options),
        pin=flow.address(flow.PIN, visit.errand) if isinstance(visit.errand, ForClient) else None,
        forgotten=flow.address(flow.FORGOTTEN, visit.errand) if visit.service.sends_mail else None,
        upstreams=[
            (each.name, flow.address(flow.UPSTREAM, visit.errand, upstream=str(each.id)))
            for each in upstreams
        ],
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

"""Signing in with an organisation's own OpenID provider: the way there, and what happens when she comes back."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.browsers import keep_through
from pat_auth.issuer.methods import Method
from pat_auth.issuer.proving import admit
from pat_auth.issuer.service import Service
from pat_auth.issuer.throttle import Attempt, succeed
from pat_auth.issuer.upstreams import Trouble, Upstream, is_strong, offered, person_of
from pat_platform.database.threads import Connection
from pat_server.sign_in import upstream_account
from pat_server.sign_in.flow import SIGN_IN, UPSTREAM, ForClient
from pat_server.sign_in.pages import redirect
from pat_server.sign_in.upstream_visits import believed, find_returned, sent_to, tell_trouble
from pat_server.sign_in.visiting import sign_in_page
from pat_server.sign_in.visits import Desk, Visit, arrive, promoted
from pat_server.sign_in.wording import BUSY, TOO_OLD


def visit_upstream(desk: Desk, asked: Asked) -> Answer:
    """What the addresses answer that lead to a provider and back. Raises Unfit and Fault UNAVAILABLE as pages do."""
    if asked.path == upstream_account.ADD:
        return upstream_account.leave(desk, asked)
    return _leave(desk, asked) if asked.path == UPSTREAM else _come_back(desk, asked)


def _leave(desk: Desk, asked: Asked) -> Answer:
    """Send somebody to the provider that she has chosen, if it is among those that her client offers."""
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
        if isinstance(visit, Answer):
            return visit
        upstream = _chosen(connection, visit)
    if upstream is None or not isinstance(visit.errand, ForClient):
        return desk.pages.notice(asked, TOO_OLD, 404)
    try:
        location = sent_to(desk.service, upstream, browser=visit.browser.id, ask=visit.errand.ask.id)
    except Trouble as trouble:
        return _failed(visit, upstream, trouble)
    return redirect(location, visit.cookies)


def _chosen(connection: Connection, visit: Visit) -> Upstream | None:
    if not isinstance(visit.errand, ForClient):
        return None
    wanted = once(visit.asked.query).get("upstream")
    return next(
        (each for each in offered(connection, visit.errand.wish.client) if str(each.id) == wanted), None
    )


def _come_back(desk: Desk, asked: Asked) -> Answer:
    """Take what a provider has sent somebody back with."""
    attempt = Attempt.new(desk.service, asked.address)
    if not admit(desk.service, attempt):
        return desk.pages.notice(asked, BUSY, 429)
    returned = find_returned(desk.service, asked)
    if returned is not None and returned.back.person is not None:
        return upstream_account.come_back(desk, asked, returned)
    if returned is None or returned.back.ask is None:
        return desk.pages.notice(asked, TOO_OLD, 404)
    here = replace(asked, path=SIGN_IN, query=[("ask", str(returned.back.ask))])
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, here)
    if isinstance(visit, Answer):
        return visit
    try:
        said = believed(desk.service, returned)
        has_both = is_strong(returned.upstream, returned.back, said, must_be_fresh=_must_be_fresh(visit))
    except Trouble as trouble:
        return _failed(visit, returned.upstream, trouble)
    with desk.service.connections.transaction() as connection:
        succeed(connection, attempt)
        person = person_of(connection, returned.upstream.id, said.subject)
        if person is None:
            return sign_in_page(connection, visit, "UNLINKED")
    upstream = returned.upstream.id

    def keep(connection: Connection, service: Service, secret: str, person: UUID, _: Method) -> str | None:
        return keep_through(connection, service, secret, person, upstream, has_both=has_both)

    return promoted(visit, keep, person, Method.UPSTREAM)


def _must_be_fresh(visit: Visit) -> bool:
    """Whether the client has to know that she has signed in anew."""
    wish = visit.errand.wish if isinstance(visit.errand, ForClient) else None
    return wish is not None and (wish.max_age is not None or "login" in wish.prompt)


def _failed(visit: Visit, upstream: Upstream, trouble: Trouble) -> Answer:
    """The first page, which says that it did not work; why is for operators to know."""
    tell_trouble(upstream, trouble)
    visit = replace(visit, asked=replace(visit.asked, path=SIGN_IN, query=visit.errand.query))
    with visit.service.connections.transaction() as connection:
        return sign_in_page(connection, visit, "UPSTREAM")

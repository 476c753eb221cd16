"""Signing in with a passkey: instead of all that is typed, or after a password."""

from __future__ import annotations

from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.asserting import prove_passkey, prove_second_passkey
from pat_auth.issuer.browsers import keep_both, keep_second
from pat_auth.issuer.methods import Method
from pat_server.sign_in import flow
from pat_server.sign_in.flow import Step
from pat_server.sign_in.forms import is_from_here
from pat_server.sign_in.pages import redirect
from pat_server.sign_in.visiting import code_page, sign_in_page
from pat_server.sign_in.visits import NOWHERE, Desk, Visit, arrive, onward, promoted
from pat_server.sign_in.wording import NOT_FROM_HERE


def visit_passkey(desk: Desk, asked: Asked) -> Answer:
    """What the two addresses answer that passkeys are posted to. Raises Unfit and Fault UNAVAILABLE as pages do."""
    if asked.method == "POST" and not is_from_here(asked.headers, desk.service.issuer):
        return desk.pages.notice(asked, NOT_FROM_HERE, 403)
    with desk.service.connections.transaction() as connection:
        visit = arrive(connection, desk, asked)
        if isinstance(visit, Answer):
            return visit
        if asked.method != "POST":
            # There is nothing to see: somebody has reloaded the page, or gone back to it.
            return redirect(flow.address(flow.SIGN_IN, visit.errand), visit.cookies)
    return _sign_in(visit) if asked.path == flow.PASSKEY else _second(visit)


def _sign_in(visit: Visit) -> Answer:
    """Take what a passkey has signed in place of everything else."""
    if not visit.is_ours(NOWHERE):
        return visit.too_old()
    signed, address = once(visit.asked.form).get("signed", ""), visit.asked.address
    person = prove_passkey(visit.service, browser=visit.browser.id, signed=signed, address=address)
    if person is None:
        with visit.service.connections.transaction() as connection:
            return sign_in_page(connection, visit, "PASSKEY")
    return promoted(visit, keep_both, person, Method.PASSKEY)


def _second(visit: Visit) -> Answer:
    """Take what a passkey has signed for somebody who has proved her password."""
    with visit.service.connections.transaction() as connection:
        place = visit.place(connection)
        if not visit.is_ours(place):
            return visit.too_old()
        if place.step is not Step.CODE or place.standing is None:
            return onward(connection, visit, place)
    person = place.standing.person
    is_proved = prove_second_passkey(
        visit.service,
        browser=visit.browser.id,
        person=person,
        signed=once(visit.asked.form).get("signed", ""),
        address=visit.asked.address,
    )
    if not is_proved:
        with visit.service.connections.transaction() as connection:
            return code_page(connection, visit, place, "PASSKEY")
    return promoted(visit, keep_second, person, Method.PASSKEY)

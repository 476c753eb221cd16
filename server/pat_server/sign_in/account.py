"""The account of whoever has signed in: where she is signed in, her passkeys, and the way out of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pat_auth.issuer.accounts import (
    PASSKEY_REMOVED,
    Change,
    end_session,
    hold_person,
    leave_elsewhere,
    leave_everywhere,
    sessions_of,
)
from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.asserting import take_made
from pat_auth.issuer.passkeys import (
    begin_making,
    end_passkey,
    name_passkey,
    passkeys_of,
    put_passkey,
)
from pat_auth.issuer.proving import has_generator
from pat_platform.database.threads import Connection
from pat_server.sign_in import flow, proofs, upstream_account
from pat_server.sign_in.cookies import without_secret
from pat_server.sign_in.desk import ACCOUNT
from pat_server.sign_in.forms import is_from_here
from pat_server.sign_in.holders import ERRAND, PATH, Holder, find_holder
from pat_server.sign_in.pages import Offer, redirect
from pat_server.sign_in.visits import Desk, typed
from pat_server.sign_in.wording import NOT_FROM_HERE, SIGNED_OUT

LEAVE, END_SESSION, PASSKEY, END_PASSKEY, NAME_PASSKEY = ACCOUNT[1:6]


def answer_account(desk: Desk, asked: Asked) -> Answer:
    """What the pages of an account answer. Raises Unfit for parameters that come twice, and Fault UNAVAILABLE."""
    is_posted = asked.method == "POST"
    if is_posted and not is_from_here(asked.headers, desk.service.issuer):
        return desk.pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    with desk.service.connections.transaction() as connection:
        holder = find_holder(connection, desk, asked)
        if isinstance(holder, Answer):
            return holder
        if not is_posted:
            return _shown(connection, holder)
    if asked.path not in _ANSWERS or not holder.is_ours():
        return desk.pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    return _ANSWERS[asked.path](holder)


def _shown(connection: Connection, holder: Holder) -> Answer:
    path = holder.visit.asked.path
    if path == proofs.PASSWORD and holder.is_fresh:
        return proofs.password_page(holder)
    return account_page(connection, holder) if path == PATH else redirect(PATH, holder.visit.cookies)


def account_page(connection: Connection, holder: Holder, wrong: str | None = None) -> Answer:
    """Her account, with what was wrong."""
    visit, person = holder.visit, holder.standing.person
    options = None
    if holder.may_change:
        email = visit.browser.email or ""
        options = begin_making(connection, visit.service, visit.browser.id, person, email)
    return holder.page(
        "account.html",
        status=400 if wrong else 200,
        wrong=wrong,
        sessions=sessions_of(connection, person),
        passkeys=passkeys_of(connection, person),
        has_generator=has_generator(connection, person),
        may_change=holder.may_change,
        is_fresh=holder.is_fresh,
        again=flow.address(flow.SIGN_IN, ERRAND),
        passkey=Offer(PASSKEY, holder.token(PASSKEY), options, is_new=True) if options else None,
        password=proofs.PASSWORD,
        upstreams=upstream_account.ways(connection, holder),
        to={path: (path, holder.token(path)) for path in _ANSWERS},
    )


def _end_session(holder: Holder) -> Answer:
    """Sign her out of one program."""
    session = once(holder.visit.asked.form).get("session", "")
    with holder.visit.service.connections.transaction() as connection:
        end_session(connection, holder.standing.person, session)
    return redirect(PATH)


def _add(holder: Holder) -> Answer:
    """Keep a passkey that she has just made."""
    visit, person = holder.visit, holder.standing.person
    made = None
    if holder.may_change:
        made = take_made(
            visit.service,
            browser=visit.browser.id,
            person=person,
            signed=once(visit.asked.form).get("signed", ""),
            address=visit.asked.address,
        )
    name = typed(visit.asked, "name")
    with visit.service.connections.transaction() as connection:
        if made is None or not put_passkey(connection, visit.service, person, made, name):
            return account_page(connection, holder, "PASSKEY")
        holder.note(connection, Change.PASSKEY_ADDED)
    return redirect(PATH)


def _name(holder: Holder) -> Answer:
    """Call one of her passkeys by another name."""
    visit, key = holder.visit, once(holder.visit.asked.form).get("passkey", "")
    with visit.service.connections.transaction() as connection:
        name_passkey(connection, holder.standing.person, key, typed(visit.asked, "name"))
    return redirect(PATH)


def _end(holder: Holder) -> Answer:
    """Take one of her passkeys out of use. Whoever came in with it, elsewhere, is out."""
    visit, person = holder.visit, holder.standing.person
    key = once(visit.asked.form).get("passkey", "")
    with visit.service.connections.transaction() as connection:
        if not holder.may_change:
            return account_page(connection, holder)
        hold_person(connection, person)
        ended = end_passkey(connection, visit.service, person, key)
        if ended is None:
            return account_page(connection, holder, "LAST")
        if ended:
            leave_elsewhere(connection, visit.service, person, visit.browser.id, PASSKEY_REMOVED)
            holder.note(connection, Change.PASSKEY_REMOVED)
    return redirect(PATH)


def _leave(holder: Holder) -> Answer:
    """Sign her out of everything, everywhere: this browser too."""
    visit = holder.visit
    with visit.service.connections.transaction() as connection:
        leave_everywhere(connection, visit.service, holder.standing.person)
    return visit.desk.pages.page(
        visit.asked,
        "notice.html",
        headers=(without_secret(visit.service.issuer),),
        heading=SIGNED_OUT.heading,
        sentence=SIGNED_OUT.sentence,
        link=None,
        reference=None,
    )


_ANSWERS: Mapping[str, Callable[[Holder], Answer]] = {
    LEAVE: _leave,
    END_SESSION: _end_session,
    PASSKEY: _add,
    END_PASSKEY: _end,
    NAME_PASSKEY: _name,
    proofs.PASSWORD: proofs.change_password,
    proofs.GENERATOR: proofs.renew_generator,
    proofs.CODES: proofs.renew_codes,
    upstream_account.END: upstream_account.end,
}

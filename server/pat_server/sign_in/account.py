"""The account of whoever has signed in: where she is signed in, her passkeys, and the way out of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pat_auth.issuer.accounts import leave_everywhere, sessions_of
from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.asserting import take_made
from pat_auth.issuer.passkeys import begin_making, end_passkey, passkeys_of, put_passkey
from pat_auth.issuer.standing import Standing
from pat_platform.database.threads import Connection
from pat_server.sign_in import flow
from pat_server.sign_in.cookies import without_secret
from pat_server.sign_in.desk import ACCOUNT
from pat_server.sign_in.flow import ForPage, Step
from pat_server.sign_in.forms import TOKEN, form_token, is_from_here, is_token
from pat_server.sign_in.pages import Offer, redirect
from pat_server.sign_in.visits import Desk, Visit, arrive
from pat_server.sign_in.wording import NOT_FROM_HERE, SIGNED_OUT

PATH, PASSKEY, END_PASSKEY, LEAVE = ACCOUNT
ERRAND = ForPage("account")
FRESH = timedelta(minutes=10)
"""How lately she must have proved both factors to change what she proves herself with."""


@dataclass(frozen=True)
class Holder:
    """Somebody who has signed in, at her account."""

    visit: Visit
    standing: Standing

    @property
    def may_change(self) -> bool:
        """Whether she has proved enough, lately enough, to change her passkeys."""
        age = self.visit.service.clock() - self.standing.auth_time
        return self.standing.second_at is not None and age <= FRESH

    def token(self, path: str) -> str:
        """What a form of hers carries: it is good for her, in this browser, at one address."""
        key = self.visit.service.secrets.forms
        return form_token(key, self.visit.secret, path, str(self.standing.person))

    def is_ours(self) -> bool:
        """Whether the form that was posted is the one that this browser was shown."""
        given = once(self.visit.asked.form).get(TOKEN, "")
        key, path = self.visit.service.secrets.forms, self.visit.asked.path
        return is_token(key, given, self.visit.secret, path, str(self.standing.person))


def answer_account(desk: Desk, asked: Asked) -> Answer:
    """What the pages of an account answer. Raises Unfit for parameters that come twice, and Fault UNAVAILABLE."""
    is_posted = asked.method == "POST"
    if is_posted and not is_from_here(asked.headers, desk.service.issuer):
        return desk.pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    with desk.service.connections.transaction() as connection:
        holder = _holder(connection, desk, asked)
        if isinstance(holder, Answer):
            return holder
        if not is_posted:
            return _page(connection, holder) if asked.path == PATH else redirect(PATH, holder.visit.cookies)
    if asked.path not in _ANSWERS or not holder.is_ours():
        return desk.pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    return _ANSWERS[asked.path](holder)


def _holder(connection: Connection, desk: Desk, asked: Asked) -> Holder | Answer:
    """Whoever has signed in with all that she has, or the way to sign in."""
    here = Asked(
        *(asked.method, asked.path, [*ERRAND.query], asked.form, asked.headers, asked.cookies, asked.address)
    )
    visit = arrive(connection, desk, here)
    if isinstance(visit, Answer):
        return desk.pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    place = visit.place(connection)
    if place.step is not Step.READY or place.standing is None:
        return redirect(flow.address(flow.PATHS[place.step], ERRAND), visit.cookies)
    shown = Visit(desk, asked, visit.secret, visit.browser, ERRAND, visit.cookies)
    return Holder(shown, place.standing)


def _page(connection: Connection, holder: Holder, wrong: str | None = None) -> Answer:
    visit, person = holder.visit, holder.standing.person
    options = None
    if holder.may_change:
        email = visit.browser.email or ""
        options = begin_making(connection, visit.service, visit.browser.id, person, email)
    return visit.desk.pages.page(
        visit.asked,
        "account.html",
        status=400 if wrong else 200,
        headers=visit.cookies,
        email=visit.browser.email,
        wrong=wrong,
        sessions=sessions_of(connection, person),
        passkeys=passkeys_of(connection, person),
        may_change=holder.may_change,
        has_both=holder.standing.second_at is not None,
        again=flow.address(flow.SIGN_IN, ERRAND),
        passkey=Offer(PASSKEY, holder.token(PASSKEY), options, is_new=True) if options else None,
        end_action=END_PASSKEY,
        end_token=holder.token(END_PASSKEY),
        leave_action=LEAVE,
        leave_token=holder.token(LEAVE),
    )


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
    with visit.service.connections.transaction() as connection:
        if made is None or not put_passkey(connection, visit.service, person, made):
            return _page(connection, holder, "PASSKEY")
    return redirect(PATH)


def _end(holder: Holder) -> Answer:
    """Take one of her passkeys out of use."""
    visit, name = holder.visit, once(holder.visit.asked.form).get("passkey", "")
    with visit.service.connections.transaction() as connection:
        person = holder.standing.person
        if not holder.may_change:
            return _page(connection, holder)
        if not end_passkey(connection, visit.service, person, name):
            return _page(connection, holder, "LAST")
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


_ANSWERS: Mapping[str, Callable[[Holder], Answer]] = {PASSKEY: _add, END_PASSKEY: _end, LEAVE: _leave}

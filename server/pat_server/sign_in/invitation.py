"""The pages of an invitation: somebody new chooses a password and begins to use a generator, somebody known joins.

Following the link spends nothing: programs that look through mail follow links too. Its token moves into a cookie at once, so that
it stands in no address, and only forms that are posted from here do anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.asserting import take_made
from pat_auth.issuer.browsers import find_browser, open_browser
from pat_auth.issuer.passkeys import begin_making
from pat_auth.issuer.passwords import hash_password, is_acceptable
from pat_auth.issuer.proving import admit, has_second_factor
from pat_auth.issuer.service import Service
from pat_auth.issuer.standing import Standing
from pat_auth.issuer.taking_up import (
    AlreadyKept,
    Chosen,
    Invited,
    Joined,
    begin_second,
    begin_with_passkey,
    enrol,
    enrol_with_passkey,
    find_invitation,
    is_shown,
    seal,
    take_up,
    unseal,
)
from pat_auth.issuer.throttle import Attempt, succeed
from pat_auth.issuer.totp import new_secret, uri_of
from pat_auth.issuer.upstreams import addable
from pat_server.sign_in.cookies import secret_in, token_in, with_secret, with_token, without_token
from pat_server.sign_in.desk import ACCOUNT, INVITATIONS
from pat_server.sign_in.flow import SIGN_IN
from pat_server.sign_in.forms import TOKEN, form_token, is_from_here, is_token
from pat_server.sign_in.languages import noop
from pat_server.sign_in.pages import Headers, Offer, Pages, redirect
from pat_server.sign_in.pictures import picture_of
from pat_server.sign_in.wording import NOT_FROM_HERE, Notice

PATH, PASSWORD, CODE, JOIN, PASSKEY = INVITATIONS
LONGEST_TYPED = 1024
_GROUP = 4
GONE = Notice(
    noop("This invitation is over"),
    noop("It was used already, or taken back, or is too old. Ask whoever invited you for a new one."),
)
JOINED = Notice(noop("You have joined"), noop("Go to the program that you want to use, and sign in there."))


@dataclass(frozen=True)
class Guest:
    """Somebody who holds the link of an invitation that stands, and who has signed in with her browser, if anybody."""

    service: Service
    pages: Pages
    asked: Asked
    token: str = field(repr=False)
    invited: Invited
    standing: Standing | None
    """Of the person who is invited; None for anybody else."""
    has_second: bool

    @property
    def about(self) -> str:
        """What a form of hers is about: its token is good for nothing else."""
        return str(self.standing.person) if self.standing else ""

    @property
    def must_sign_in(self) -> bool:
        """Whether she is known and has not proved all that she can."""
        if not self.invited.is_known:
            return False
        return self.standing is None or (self.has_second and self.standing.second_at is None)

    def page(
        self, template: str, path: str, *, status: int = 200, headers: Headers = (), **values: object
    ) -> Answer:
        """A page with a form that is posted to ``path``."""
        return self.pages.page(
            self.asked,
            template,
            status=status,
            target=None,
            locales=(),
            headers=headers,
            **{
                "action": path,
                "form_token": form_token(self.service.secrets.forms, self.token, path, self.about),
                "invited": self.invited,
                **values,
            },
        )

    def is_ours(self) -> bool:
        """Whether the form that was posted is the one that this browser was shown."""
        given = once(self.asked.form).get(TOKEN, "")
        return is_token(self.service.secrets.forms, given, self.token, self.asked.path, self.about)


def answer_invitation(service: Service, pages: Pages, asked: Asked) -> Answer:
    """What a page of an invitation answers. Raises Unfit for parameters that come twice, and Fault UNAVAILABLE."""
    is_posted = asked.method == "POST"
    if is_posted and not is_from_here(asked.headers, service.issuer):
        return pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    query = once(asked.query)
    if not is_posted and (query.get("token") or asked.path != PATH):
        return _arrived(service, query)
    guest = _guest(service, pages, asked)
    if guest is None:
        return pages.notice(asked, GONE, 404)
    if not is_posted:
        return _show(guest)
    if not guest.is_ours() or asked.path not in _ANSWERS:
        return pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    return _ANSWERS[asked.path](guest)


def _arrived(service: Service, query: Mapping[str, str]) -> Answer:
    """The way to the first page, with the token in a cookie instead of the address."""
    token = query.get("token")
    language = f"?{urlencode({'lang': query['lang']})}" if "lang" in query else ""
    return redirect(PATH + language, (with_token(token, service.issuer),) if token else ())


def _guest(service: Service, pages: Pages, asked: Asked) -> Guest | None:
    token = token_in(asked.cookies, service.issuer)
    if token is None:
        return None
    with service.connections.transaction() as connection:
        invited = find_invitation(connection, token)
        if invited is None:
            return None
        browser = find_browser(connection, service, secret_in(asked.cookies, service.issuer))
        is_hers = browser is not None and browser.email == invited.email
        standing = browser.standing(service.clock()) if browser is not None and is_hers else None
        has_second = standing is not None and has_second_factor(connection, standing.person)
    return Guest(service, pages, asked, token, invited, standing, has_second)


def _show(guest: Guest) -> Answer:
    if guest.must_sign_in:
        return guest.page("invitation_known.html", JOIN, link=f"{SIGN_IN}?{urlencode({'to': 'invitation'})}")
    if not guest.invited.is_known:
        return guest.page("invitation.html", PASSWORD)
    if guest.has_second:
        return guest.page("invitation_known.html", JOIN, link=None)
    return _code_page(guest, Chosen(new_secret()))


def _choose_password(guest: Guest) -> Answer:
    """Take the password that somebody new has chosen, and show what her generator is to be told."""
    if guest.invited.is_known:
        return _show(guest)
    password, again = _typed(guest.asked, "password"), _typed(guest.asked, "again")
    wrong = is_acceptable(password, guest.invited.email) or (None if password == again else "different")
    if wrong:
        return guest.page("invitation.html", PASSWORD, status=400, wrong=wrong)
    if not admit(guest.service, Attempt.new(guest.service, guest.asked.address)):
        return guest.page("invitation.html", PASSWORD, status=429, wrong="busy")
    return _code_page(guest, Chosen(new_secret(), hash_password(guest.service, password)))


def _confirm(guest: Guest) -> Answer:
    """Take the code that her generator shows: now she is a member, and her recovery codes are shown."""
    chosen = unseal(guest.service, guest.token, once(guest.asked.form).get("chosen", ""))
    if chosen is None or guest.must_sign_in:
        return guest.pages.notice(guest.asked, NOT_FROM_HERE, 403, link=PATH)
    code = _typed(guest.asked, "code")
    if not is_shown(guest.service, chosen, code):
        return _code_page(guest, chosen, wrong="REFUSED" if code else "CODE")
    service = guest.service
    with service.connections.transaction() as connection:
        if guest.standing is None:
            joined = enrol(connection, service, guest.token, chosen, code)
        else:
            joined = begin_second(connection, service, guest.token, guest.standing, chosen, code)
        if joined is not None and guest.standing is None:
            succeed(connection, Attempt.new(service, guest.asked.address))
    return _joined(guest, joined)


def _make_passkey(guest: Guest) -> Answer:
    """Take the passkey that she has made instead of a generator: now she is a member, and her recovery codes are shown."""
    chosen = unseal(guest.service, guest.token, once(guest.asked.form).get("chosen", ""))
    if chosen is None or guest.must_sign_in:
        return guest.pages.notice(guest.asked, NOT_FROM_HERE, 403, link=PATH)
    service, person = guest.service, guest.standing.person if guest.standing else None
    with service.connections.transaction() as connection:
        browser = find_browser(connection, service, secret_in(guest.asked.cookies, service.issuer))
    signed, address = once(guest.asked.form).get("signed", ""), guest.asked.address
    made = browser and take_made(service, browser=browser.id, person=person, signed=signed, address=address)
    if not made:
        return _code_page(guest, chosen, wrong="PASSKEY")
    try:
        with service.connections.transaction() as connection:
            if guest.standing is None:
                joined = enrol_with_passkey(connection, service, guest.token, chosen, made)
            else:
                joined = begin_with_passkey(connection, service, guest.token, guest.standing, made)
            if joined is not None and guest.standing is None:
                succeed(connection, Attempt.new(service, guest.asked.address))
    except AlreadyKept:
        return _code_page(guest, chosen, wrong="PASSKEY")
    return _joined(guest, joined)


def _join(guest: Guest) -> Answer:
    """Make somebody who has signed in a member."""
    if guest.must_sign_in or guest.standing is None or not guest.has_second:
        return _show(guest)
    with guest.service.connections.transaction() as connection:
        joined = take_up(connection, guest.token, guest.standing)
    return _joined(guest, joined)


_ANSWERS: Mapping[str, Callable[[Guest], Answer]] = {
    PASSWORD: _choose_password,
    CODE: _confirm,
    JOIN: _join,
    PASSKEY: _make_passkey,
}


def _joined(guest: Guest, joined: Joined | None) -> Answer:
    if joined is None:
        return guest.pages.notice(guest.asked, GONE, 404)
    with guest.service.connections.transaction() as connection:
        upstreams = addable(connection, guest.invited.email)
    # Reading it in another language would ask for it anew, and it is shown once.
    return guest.page(
        "invitation_done.html",
        PATH,
        languages={},
        headers=(without_token(guest.service.issuer),),
        heading=JOINED.heading,
        sentence=JOINED.sentence,
        codes=joined.recovery_codes,
        upstreams=upstreams,
        account=ACCOUNT[0],
    )


def _code_page(guest: Guest, chosen: Chosen, wrong: str | None = None) -> Answer:
    uri = uri_of(guest.service, chosen.secret, guest.invited.email)
    offer, headers = _offer(guest)
    return guest.page(
        "invitation_code.html",
        CODE,
        status=400 if wrong else 200,
        languages={},
        headers=headers,
        passkey=offer,
        wrong=wrong,
        chosen=seal(guest.service, guest.token, chosen),
        uri=uri,
        picture=picture_of(uri),
        secret=[chosen.secret[at : at + _GROUP] for at in range(0, len(chosen.secret), _GROUP)],
    )


def _offer(guest: Guest) -> tuple[Offer | None, Headers]:
    """The form that makes a passkey, and what the browser is to keep to be known by when it comes back."""
    service = guest.service
    headers: Headers = ()
    person = guest.standing.person if guest.standing else None
    with service.connections.transaction() as connection:
        browser = find_browser(connection, service, secret_in(guest.asked.cookies, service.issuer))
        if browser is None:
            browser, secret = open_browser(connection, service)
            headers = (with_secret(secret, service.issuer),)
        options = begin_making(connection, service, browser.id, person, guest.invited.email)
    if options is None:
        return None, headers
    token = form_token(service.secrets.forms, guest.token, PASSKEY, guest.about)
    return Offer(PASSKEY, token, options, is_new=True), headers


def _typed(asked: Asked, name: str) -> str:
    """What was typed into a field, if it is not longer than the pages of signing in let it be."""
    text = once(asked.form).get(name, "")
    return text if len(text) <= LONGEST_TYPED else ""

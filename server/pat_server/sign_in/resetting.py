"""The pages behind the link by which somebody chooses a new password.

Following the link spends nothing: programs that look through mail follow links too. Its token moves into a cookie at once, so that it
stands in no address. Whoever has a second factor shows it first: a mailbox that was stolen opens nothing of hers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.asserting import prove_second_passkey
from pat_auth.issuer.browsers import Browser, find_browser, open_browser
from pat_auth.issuer.passkeys import begin_second
from pat_auth.issuer.passwords import is_acceptable
from pat_auth.issuer.proving import has_generator, has_second_factor, prove_second
from pat_auth.issuer.resets import Outcome, Resetting, find_reset, reset_password
from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection
from pat_server.sign_in import cookies, flow
from pat_server.sign_in.cookies import secret_in, with_secret, without_secret
from pat_server.sign_in.desk import ACCOUNT, RESETS
from pat_server.sign_in.forgotten import mail_language
from pat_server.sign_in.forms import TOKEN, form_token, is_from_here, is_token
from pat_server.sign_in.languages import LANGUAGES
from pat_server.sign_in.pages import Headers, Offer, Pages, redirect
from pat_server.sign_in.visits import typed
from pat_server.sign_in.wording import NOT_FROM_HERE, RESET_DONE, RESET_GONE

PASSWORD, CODE, PASSKEY = RESETS
PROVED = "proved"
"""What the form of a password is about, if a second factor was shown for it."""


@dataclass(frozen=True)
class Holder:
    """Somebody who holds a link that is good."""

    service: Service
    pages: Pages
    asked: Asked
    token: str = field(repr=False)
    found: Resetting
    has_second: bool

    def form_token(self, path: str) -> str:
        """What a form of hers carries. That of a password is given to nobody who has not shown her second factor, if she has one."""
        about = PROVED if path == PASSWORD and self.has_second else ""
        return form_token(self.service.secrets.forms, self.token, path, about)

    def is_ours(self) -> bool:
        """Whether the form that was posted is the one that this browser was shown."""
        about = PROVED if self.asked.path == PASSWORD and self.has_second else ""
        given = once(self.asked.form).get(TOKEN, "")
        return is_token(self.service.secrets.forms, given, self.token, self.asked.path, about)


def answer_reset(service: Service, pages: Pages, asked: Asked) -> Answer:
    """What a page behind the link answers. Raises Unfit for parameters that come twice, and Fault UNAVAILABLE."""
    is_posted = asked.method == "POST"
    if is_posted and not is_from_here(asked.headers, service.issuer):
        return pages.notice(asked, NOT_FROM_HERE, 403, link=PASSWORD)
    query = once(asked.query)
    if not is_posted and (query.get("token") or asked.path != PASSWORD):
        return _arrived(service, query)
    holder = _holder(service, pages, asked)
    if holder is None:
        return pages.notice(asked, RESET_GONE, 404, link=flow.FORGOTTEN)
    if not is_posted:
        return _code_page(holder) if holder.has_second else _password_page(holder)
    if not holder.is_ours():
        return pages.notice(asked, NOT_FROM_HERE, 403, link=PASSWORD)
    return _ANSWERS[asked.path](holder)


def _arrived(service: Service, query: Mapping[str, str]) -> Answer:
    """The way to the first page, with the token in a cookie instead of the address."""
    token = query.get("token")
    language = f"?{urlencode({'lang': query['lang']})}" if "lang" in query else ""
    kept = (cookies.with_token(token, service.issuer, of=cookies.RESET),) if token else ()
    return redirect(PASSWORD + language, kept)


def _holder(service: Service, pages: Pages, asked: Asked) -> Holder | None:
    token = cookies.token_in(asked.cookies, service.issuer, of=cookies.RESET)
    if token is None:
        return None
    with service.connections.transaction() as connection:
        found = find_reset(connection, token)
        if found is None:
            return None
        has_second = has_second_factor(connection, found.person)
    return Holder(service, pages, asked, token, found, has_second)


def _enter_code(holder: Holder) -> Answer:
    """Take what her generator shows, or a code that she wrote down."""
    recovery = typed(holder.asked, "recovery")
    code = recovery or typed(holder.asked, "code")
    person, address = holder.found.person, holder.asked.address
    if code and prove_second(holder.service, person=person, code=code, address=address):
        return _password_page(holder)
    return _code_page(holder, "REFUSED" if code else "CODE", is_recovery=bool(recovery))


def _take_passkey(holder: Holder) -> Answer:
    """Take what her passkey has signed."""
    service, asked = holder.service, holder.asked
    with service.connections.transaction() as connection:
        browser = find_browser(connection, service, secret_in(asked.cookies, service.issuer))
    if browser and prove_second_passkey(
        service,
        browser=browser.id,
        person=holder.found.person,
        signed=once(asked.form).get("signed", ""),
        address=asked.address,
    ):
        return _password_page(holder)
    return _code_page(holder, "PASSKEY")


def _choose_password(holder: Holder) -> Answer:
    """Take the new password: from now on it is hers, and nothing is open that was before."""
    asked, issuer = holder.asked, holder.service.issuer
    password, again = typed(asked, "password"), typed(asked, "again")
    wrong = is_acceptable(password, holder.found.email) or (None if password == again else "different")
    if wrong:
        return _password_page(holder, wrong)
    outcome = reset_password(
        holder.service,
        token=holder.token,
        password=password,
        address=asked.address,
        language=mail_language(asked),
    )
    if outcome is Outcome.BUSY:
        return _password_page(holder, "busy", 429)
    if outcome is Outcome.GONE:
        return holder.pages.notice(asked, RESET_GONE, 404, link=flow.FORGOTTEN)
    return holder.pages.page(
        asked,
        "reset_done.html",
        headers=(cookies.without_token(issuer, of=cookies.RESET), without_secret(issuer)),
        languages={},
        heading=RESET_DONE.heading,
        sentence=RESET_DONE.sentence,
        account=ACCOUNT[0],
        link=None,
        reference=None,
    )


_ANSWERS: Mapping[str, Callable[[Holder], Answer]] = {
    PASSWORD: _choose_password,
    CODE: _enter_code,
    PASSKEY: _take_passkey,
}


def _password_page(holder: Holder, wrong: str | None = None, status: int = 400) -> Answer:
    """The page that asks for the new password."""
    # Once a code is spent, reading it in another language would ask for the next one.
    languages = {} if holder.asked.method == "POST" else LANGUAGES
    return holder.pages.page(
        holder.asked,
        "reset.html",
        status=status if wrong else 200,
        action=PASSWORD,
        form_token=holder.form_token(PASSWORD),
        email=holder.found.email,
        wrong=wrong,
        languages=languages,
    )


def _code_page(holder: Holder, wrong: str | None = None, *, is_recovery: bool = False) -> Answer:
    """The page that asks for her second factor."""
    service, asked, person = holder.service, holder.asked, holder.found.person
    with service.connections.transaction() as connection:
        browser, headers = _browser(connection, service, asked)
        options = begin_second(connection, service, browser.id, person)
        generates = has_generator(connection, person)
    return holder.pages.page(
        asked,
        "code.html",
        status=400 if wrong else 200,
        headers=headers,
        action=CODE,
        form_token=holder.form_token(CODE),
        has_generator=generates,
        is_recovery=is_recovery,
        passkey=Offer(PASSKEY, holder.form_token(PASSKEY), options) if options else None,
        wrong=wrong,
    )


def _browser(connection: Connection, service: Service, asked: Asked) -> tuple[Browser, Headers]:
    """Her browser, and what it is to keep to be known by when it comes back: what a passkey signs is good for it alone."""
    browser = find_browser(connection, service, secret_in(asked.cookies, service.issuer))
    if browser is not None:
        return browser, ()
    browser, secret = open_browser(connection, service)
    return browser, (with_secret(secret, service.issuer),)

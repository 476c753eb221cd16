"""Somebody who has signed in, at the pages of her account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pat_auth.issuer.accounts import Change, note_change, tell_change
from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.browsers import find_browser
from pat_auth.issuer.standing import Standing
from pat_auth.mails.letters import MailLanguage
from pat_platform.database.threads import Connection
from pat_platform.errors import Fault
from pat_server.sign_in import flow
from pat_server.sign_in.desk import ACCOUNT
from pat_server.sign_in.flow import ForPage, Step
from pat_server.sign_in.forms import TOKEN, form_token, is_token
from pat_server.sign_in.pages import Headers, language_of, redirect
from pat_server.sign_in.visits import Desk, Visit, arrive
from pat_server.sign_in.wording import NOT_FROM_HERE

PATH = ACCOUNT[0]
ERRAND = ForPage("account")
FRESH = timedelta(minutes=10)
"""How lately she must have proved all that she can to change what she proves herself with."""


@dataclass(frozen=True)
class Holder:
    """Somebody who has signed in, at her account."""

    visit: Visit
    standing: Standing

    @property
    def is_fresh(self) -> bool:
        """Whether she has proved all that she can lately enough."""
        return self.visit.service.clock() - self.standing.auth_time <= FRESH

    @property
    def may_change(self) -> bool:
        """Whether that was two factors, so that she may change what is one of them."""
        return self.standing.second_at is not None and self.is_fresh

    def token(self, path: str) -> str:
        """What a form of hers carries: it is good for her, in this browser, at one address."""
        key = self.visit.service.secrets.forms
        return form_token(key, self.visit.secret, path, str(self.standing.person))

    def is_ours(self) -> bool:
        """Whether the form that was posted is the one that this browser was shown."""
        given = once(self.visit.asked.form).get(TOKEN, "")
        key, path = self.visit.service.secrets.forms, self.visit.asked.path
        return is_token(key, given, self.visit.secret, path, str(self.standing.person))

    def page(self, template: str, *, status: int = 200, headers: Headers = (), **values: object) -> Answer:
        """A page of her account."""
        return self.visit.desk.pages.page(
            self.visit.asked,
            template,
            status=status,
            target=None,
            locales=(),
            headers=(*self.visit.cookies, *headers),
            email=self.visit.browser.email,
            **values,
        )

    def note(self, connection: Connection, change: Change) -> None:
        """Have it known that she proves herself in another way now. Raises Fault UNAVAILABLE if she is signed out by now."""
        self._stay(connection)
        note_change(connection, self.visit.service, self.standing.person, change, self._language)

    def tell(self, connection: Connection) -> None:
        """Have her told of a change that was noted already. Raises as above."""
        self._stay(connection)
        tell_change(connection, self.visit.service, self.standing.person, self._language)

    def _stay(self, connection: Connection) -> None:
        # Whoever signs her out everywhere waits, or was first: then nothing may be changed from here any more.
        connection.execute("select from sec.people where id = %s for share", (self.standing.person,))
        browser = find_browser(connection, self.visit.service, self.visit.secret)
        if browser is None or browser.person != self.standing.person:
            raise Fault("UNAVAILABLE", "She is signed out by now.")

    @property
    def _language(self) -> MailLanguage:
        return MailLanguage.of(language_of(self.visit.asked))


def find_holder(connection: Connection, desk: Desk, asked: Asked) -> Holder | Answer:
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

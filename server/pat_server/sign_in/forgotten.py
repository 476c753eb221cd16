"""The page of whoever has forgotten her password. What it answers is the same for everybody, and so is how long it takes."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.resets import ask_reset
from pat_auth.issuer.service import Service
from pat_auth.mails.letters import MailLanguage
from pat_server.sign_in.cookies import secret_in
from pat_server.sign_in.flow import FORGOTTEN, RETURNS, SIGN_IN
from pat_server.sign_in.forms import TOKEN, form_token, is_from_here, is_token
from pat_server.sign_in.pages import Pages, language_of
from pat_server.sign_in.visits import typed
from pat_server.sign_in.wording import NOT_FROM_HERE, ON_ITS_WAY


def answer_forgotten(service: Service, pages: Pages, asked: Asked) -> Answer:
    """Ask for an address, and have it sent a link. Raises Unfit and Fault UNAVAILABLE as pages do."""
    # Nothing of hers is at stake here: a browser that has no secret yet needs none.
    secret, about = secret_in(asked.cookies, service.issuer) or "", _errand(asked)
    if asked.method != "POST":
        return _page(service, pages, asked, secret)
    given = once(asked.form).get(TOKEN, "")
    is_ours = is_token(service.secrets.forms, given, secret, FORGOTTEN, about)
    if not is_ours or not is_from_here(asked.headers, service.issuer):
        return pages.notice(asked, NOT_FROM_HERE, 403, link=_address(FORGOTTEN, about))
    email = typed(asked, "email")
    if not email.strip():
        return _page(service, pages, asked, secret, "EMAIL")
    ask_reset(service, email=email, address=asked.address, language=mail_language(asked))
    return pages.notice(asked, ON_ITS_WAY, 200)


def mail_language(asked: Asked) -> MailLanguage:
    """The language that the page is in, for a letter."""
    return MailLanguage(language_of(asked).upper())


def _page(service: Service, pages: Pages, asked: Asked, secret: str, wrong: str | None = None) -> Answer:
    about = _errand(asked)
    return pages.page(
        asked,
        "forgotten.html",
        status=400 if wrong else 200,
        action=_address(FORGOTTEN, about),
        form_token=form_token(service.secrets.forms, secret, FORGOTTEN, about),
        other=_address(SIGN_IN, about) if about else None,
        wrong=wrong,
    )


def _errand(asked: Asked) -> str:
    """What she was about to sign in for, as the query of an address; empty if she came by herself."""
    query = once(asked.query)
    if (to := query.get("to")) in RETURNS:
        return urlencode({"to": to})
    try:
        return urlencode({"ask": str(UUID(query.get("ask", "")))})
    except ValueError:
        return ""


def _address(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path

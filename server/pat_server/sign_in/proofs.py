"""What somebody proves herself with, changed at her account: her password, her generator of codes, the codes that she wrote down."""

from __future__ import annotations

from dataclasses import replace

from pat_auth.issuer.accounts import CODES_RENEWED, GENERATOR_RENEWED, Change, leave_elsewhere
from pat_auth.issuer.asked import Answer, once
from pat_auth.issuer.browsers import renew_secret
from pat_auth.issuer.passwords import hash_password, is_acceptable, set_password
from pat_auth.issuer.proving import prove_password
from pat_auth.issuer.recovery import renew_recovery_codes
from pat_auth.issuer.taking_up import Chosen, seal, unseal
from pat_auth.issuer.totp import new_secret, replace_factors, step_of, uri_of
from pat_platform.errors import Fault
from pat_server.sign_in.cookies import known_in, with_secret
from pat_server.sign_in.desk import ACCOUNT
from pat_server.sign_in.holders import PATH, Holder
from pat_server.sign_in.languages import noop
from pat_server.sign_in.pages import redirect
from pat_server.sign_in.pictures import picture_of
from pat_server.sign_in.visits import typed
from pat_server.sign_in.wording import NOT_FROM_HERE, Notice

PASSWORD, GENERATOR, CODES = ACCOUNT[6:9]
_GROUP = 4
CHANGED = Notice(
    noop("Your password is changed"),
    noop("You are signed out everywhere else."),
)
RENEWED = Notice(
    noop("Your new codes"),
    noop("Those that you wrote down before count no more."),
)


def password_page(holder: Holder, wrong: str | None = None) -> Answer:
    """Where she chooses another password."""
    return holder.page(
        "account_password.html",
        status=400 if wrong else 200,
        action=PASSWORD,
        form_token=holder.token(PASSWORD),
        wrong=wrong,
    )


def change_password(holder: Holder) -> Answer:
    """Take another password from whoever knows the present one. Whoever came in with that one, elsewhere, is out.

    So is whoever holds a copy of this browser's cookie. Raises Fault UNAVAILABLE if she is signed out by now.
    """
    if not holder.is_fresh:
        return redirect(PATH)
    visit, person, email = holder.visit, holder.standing.person, holder.visit.browser.email or ""
    present, password, again = (typed(visit.asked, name) for name in ("present", "password", "again"))
    wrong = is_acceptable(password, email) or (None if password == again else "different")
    if wrong:
        return password_page(holder, wrong)
    asked, issuer = visit.asked, visit.service.issuer
    known, address = known_in(asked.cookies, issuer), asked.address
    proved = prove_password(visit.service, email=email, password=present, address=address, known_by=known)
    if proved != person:
        return password_page(holder, "REFUSED")
    hashed = hash_password(visit.service, password)
    with visit.service.connections.transaction() as connection:
        # It holds her row from the start on, as a reset does: in another order each would wait for the other.
        leave_elsewhere(connection, visit.service, person, visit.browser.id)
        set_password(connection, visit.service, person, hashed)
        holder.note(connection, Change.PASSWORD_CHANGED)
        secret = renew_secret(connection, visit.service, visit.secret, person)
        if secret is None:
            raise Fault("UNAVAILABLE", "She is signed out by now.")
    answer = visit.desk.pages.notice(asked, CHANGED, 200, link=PATH)
    return replace(answer, headers=(*answer.headers, with_secret(secret, issuer)))


def renew_codes(holder: Holder) -> Answer:
    """Show her ten new codes to write down, once. Whoever came in with one of those from before, elsewhere, is out."""
    if not holder.may_change:
        return redirect(PATH)
    service, person = holder.visit.service, holder.standing.person
    with service.connections.transaction() as connection:
        leave_elsewhere(connection, service, person, holder.visit.browser.id, CODES_RENEWED)
        codes = renew_recovery_codes(connection, service, person)
        holder.note(connection, Change.RECOVERY_CODES_RENEWED)
    # Reading it in another language would ask for it anew, and it is shown once.
    return holder.page(
        "invitation_done.html",
        languages={},
        heading=RENEWED.heading,
        sentence=RENEWED.sentence,
        codes=codes,
        upstreams=(),
    )


def renew_generator(holder: Holder) -> Answer:
    """Begin to use another generator of codes: it takes the place of hers once she has shown a code of it.

    Whoever came in with a code of the one from before, elsewhere, is out.
    """
    if not holder.may_change:
        return redirect(PATH)
    visit = holder.visit
    sealed = once(visit.asked.form).get("chosen")
    if sealed is None:
        return _generator_page(holder, Chosen(new_secret()))
    chosen = unseal(visit.service, _place(holder), sealed)
    if chosen is None:
        return visit.desk.pages.notice(visit.asked, NOT_FROM_HERE, 403, link=PATH)
    code = typed(visit.asked, "code")
    step = step_of(chosen.secret, code, visit.service.clock())
    if step is None:
        return _generator_page(holder, chosen, "REFUSED" if code else "CODE")
    person = holder.standing.person
    with visit.service.connections.transaction() as connection:
        leave_elsewhere(connection, visit.service, person, visit.browser.id, GENERATOR_RENEWED)
        replace_factors(connection, visit.service, person, chosen.secret, step)
        holder.note(connection, Change.GENERATOR_RENEWED)
    return redirect(PATH)


def _generator_page(holder: Holder, chosen: Chosen, wrong: str | None = None) -> Answer:
    service = holder.visit.service
    uri = uri_of(service, chosen.secret, holder.visit.browser.email or "")
    return holder.page(
        "invitation_code.html",
        status=400 if wrong else 200,
        languages={},
        wrong=wrong,
        action=GENERATOR,
        form_token=holder.token(GENERATOR),
        chosen=seal(service, _place(holder), chosen),
        uri=uri,
        picture=picture_of(uri),
        secret=[chosen.secret[at : at + _GROUP] for at in range(0, len(chosen.secret), _GROUP)],
    )


def _place(holder: Holder) -> str:
    """What a sealed choice is good for: her account in this browser."""
    return f"account|{holder.standing.person}|{holder.visit.secret}"

"""How somebody at her account lets her organisation's own provider say who she is, and how she takes that back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode
from uuid import UUID

from pat_auth.issuer.accounts import UNLINKED, end_sessions, hold_person, leave_elsewhere
from pat_auth.issuer.asked import Answer, Asked, once
from pat_auth.issuer.upstreams import Trouble, Upstream, find_upstream, is_strong, known_to, link, unlink
from pat_platform.database.threads import Connection
from pat_server.sign_in.forms import TOKEN, is_token
from pat_server.sign_in.holders import PATH, Holder, find_holder
from pat_server.sign_in.pages import redirect
from pat_server.sign_in.upstream_visits import Returned, believed, sent_to, tell_trouble
from pat_server.sign_in.visits import Desk
from pat_server.sign_in.wording import NOT_FROM_HERE, TOO_OLD

ADD, END = "/account/upstream", "/account/upstream/end"


@dataclass(frozen=True)
class Way:
    """A provider of one of her organisations, on the page of her account."""

    id: UUID
    name: str
    is_linked: bool
    link: str | None = field(repr=False)
    """Where she goes to add it; None while she may not. It holds a token: nobody else can send her there to add herself."""


def ways(connection: Connection, holder: Holder) -> Sequence[Way]:
    """Those of her organisations."""
    return [
        Way(each.id, each.name, each.is_linked, _address(holder, each.id) if holder.may_change else None)
        for each in known_to(connection, holder.standing.person)
    ]


def _address(holder: Holder, upstream: UUID) -> str:
    return f"{ADD}?{urlencode({'upstream': str(upstream), TOKEN: holder.token(ADD)})}"


def leave(desk: Desk, asked: Asked) -> Answer:
    """Send her to a provider of one of her organisations, to be known by it from then on."""
    with desk.service.connections.transaction() as connection:
        holder = find_holder(connection, desk, asked)
        if isinstance(holder, Answer):
            return holder
        upstream = _wanted(connection, holder)
    if not holder.may_change or not _is_hers(holder):
        return desk.pages.notice(asked, NOT_FROM_HERE, 403, link=PATH)
    if upstream is None:
        return desk.pages.notice(asked, TOO_OLD, 404)
    try:
        browser, person = holder.visit.browser.id, holder.standing.person
        return redirect(sent_to(desk.service, upstream, browser=browser, person=person))
    except Trouble as trouble:
        return _failed(holder, upstream, trouble)


def _wanted(connection: Connection, holder: Holder) -> Upstream | None:
    wanted = once(holder.visit.asked.query).get("upstream")
    known = (each.id for each in known_to(connection, holder.standing.person) if str(each.id) == wanted)
    ident = next(known, None)
    return None if ident is None else find_upstream(connection, ident)


def _is_hers(holder: Holder) -> bool:
    """Whether the link is one that this browser was shown: somebody else's would have her add whom he is there."""
    visit = holder.visit
    given = once(visit.asked.query).get(TOKEN, "")
    return is_token(visit.service.secrets.forms, given, visit.secret, ADD, str(holder.standing.person))


def come_back(desk: Desk, asked: Asked, returned: Returned) -> Answer:
    """Take whom a provider says that she is there: from now on it means her.

    She has signed in there anew, and the provider says so: it may be somebody else's session that her browser still has there.
    """
    here = replace(asked, path=PATH, query=[])
    with desk.service.connections.transaction() as connection:
        holder = find_holder(connection, desk, here)
    if isinstance(holder, Answer):
        return holder
    standing, upstream = holder.standing, returned.upstream
    if standing.person != returned.back.person or standing.second_at is None:
        return desk.pages.notice(here, NOT_FROM_HERE, 403, link=PATH)
    try:
        said = believed(desk.service, returned)
        is_strong(upstream, returned.back, said, must_be_fresh=True)
    except Trouble as trouble:
        return _failed(holder, upstream, trouble)
    with desk.service.connections.transaction() as connection:
        is_linked = link(connection, upstream.id, said.subject, standing.person)
        if is_linked:
            holder.tell(connection)
    return redirect(PATH) if is_linked else _failed(holder, upstream, Trouble("TAKEN"))


def end(holder: Holder) -> Answer:
    """Let a provider mean her no more. Whoever came in through it is out: which sessions these are is not kept, so all of them end."""
    visit, person = holder.visit, holder.standing.person
    wanted = once(visit.asked.form).get("upstream", "")
    if not holder.may_change:
        return redirect(PATH)
    with visit.service.connections.transaction() as connection:
        hold_person(connection, person)
        known = known_to(connection, person)
        ident = next((each.id for each in known if str(each.id) == wanted), None)
        if ident is not None and unlink(connection, ident, person):
            leave_elsewhere(connection, visit.service, person, visit.browser.id, UNLINKED)
            end_sessions(connection, person, UNLINKED)
            holder.tell(connection)
    return redirect(PATH)


def _failed(holder: Holder, upstream: Upstream, trouble: Trouble) -> Answer:
    from pat_server.sign_in.account import account_page

    tell_trouble(upstream, trouble)
    shown = replace(
        holder, visit=replace(holder.visit, asked=replace(holder.visit.asked, path=PATH, query=[]))
    )
    with holder.visit.service.connections.transaction() as connection:
        return account_page(connection, shown, "UPSTREAM")

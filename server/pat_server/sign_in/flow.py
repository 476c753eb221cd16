"""Which page is next. It follows from what the browser keeps and what it is here for; never from what a form says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from pat_auth.issuer.asked import Pairs
from pat_auth.issuer.asks import Ask, choose_membership, end_ask
from pat_auth.issuer.authorizing import (
    ACCESS_DENIED,
    Mistake,
    Redirect,
    Wish,
    conclude,
    deny,
    is_enough,
)
from pat_auth.issuer.browsers import Browser, forget_person
from pat_auth.issuer.consents import is_allowed
from pat_auth.issuer.members import Member, memberships_of, reached, served, vouched_for
from pat_auth.issuer.proving import has_second_factor
from pat_auth.issuer.service import Service
from pat_auth.issuer.standing import Standing, Strength
from pat_auth.policy import Role
from pat_platform.database.threads import Connection

SIGN_IN, CODE, MEMBERSHIP, CONSENT = "/sign-in", "/sign-in/code", "/sign-in/as", "/sign-in/allow"
PASSKEY, CODE_PASSKEY = "/sign-in/passkey", "/sign-in/code/passkey"
PIN = "/sign-in/pin"
FORGOTTEN = "/sign-in/forgotten"
UPSTREAM = "/sign-in/upstream"
RETURNS: Mapping[str, str] = {"account": "/account", "invitation": "/invitation"}
"""Pages of ours that somebody may sign in for, and where they are."""


class Step(StrEnum):
    """How far somebody has come."""

    SIGN_IN = "SIGN_IN"
    CODE = "CODE"
    MEMBERSHIP = "MEMBERSHIP"
    CONSENT = "CONSENT"
    WITHOUT_PLACE = "WITHOUT_PLACE"
    """She belongs to no organisation that the client serves."""
    WITHOUT_SECOND = "WITHOUT_SECOND"
    """She has no second factor, and needs one."""
    LOST = "LOST"
    """The membership that she has chosen has ended meanwhile."""
    READY = "READY"


PATHS: Mapping[Step, str] = {
    Step.SIGN_IN: SIGN_IN,
    Step.CODE: CODE,
    Step.MEMBERSHIP: MEMBERSHIP,
    Step.WITHOUT_PLACE: MEMBERSHIP,
    Step.WITHOUT_SECOND: MEMBERSHIP,
    Step.CONSENT: CONSENT,
}
"""Where the page of a step is. What has none is done."""


@dataclass(frozen=True)
class ForClient:
    """Somebody signs in because a client has asked for it."""

    ask: Ask
    wish: Wish

    @property
    def query(self) -> Pairs:
        """What the addresses of its pages carry."""
        return [("ask", str(self.ask.id))]


@dataclass(frozen=True)
class ForPage:
    """Somebody signs in to come back to a page of ours."""

    name: str

    @property
    def query(self) -> Pairs:
        """What the addresses of its pages carry."""
        return [("to", self.name)]


Errand = ForClient | ForPage


@dataclass(frozen=True)
class Place:
    """A step, with what its page is about."""

    step: Step
    standing: Standing | None = None
    members: Sequence[Member] = ()
    """Those that she may choose from."""
    member: Member | None = None
    """The one that she goes on in."""


def address(path: str, errand: Errand, **more: str) -> str:
    """Where a page of the errand is."""
    return f"{path}?{urlencode([*errand.query, *more.items()])}"


def place_of(connection: Connection, service: Service, browser: Browser, errand: Errand) -> Place:
    """How far the person at this browser has come with her errand."""
    # A page of ours shows all that she has: only the pages of a client keep within one organisation.
    standing = browser.standing(service.clock(), keeps_within=isinstance(errand, ForClient))
    if standing is None or not _is_recent(service, standing, errand):
        return Place(Step.SIGN_IN)
    if standing.second_at is None and has_second_factor(connection, standing.person):
        return Place(Step.CODE, standing)
    if isinstance(errand, ForPage):
        return Place(Step.READY, standing)
    if errand.wish.acr is Strength.TWO and standing.second_at is None:
        return Place(Step.WITHOUT_SECOND, standing)
    return _among(memberships_of(connection, standing.person), connection, standing, errand)


def _is_recent(service: Service, standing: Standing, errand: Errand) -> bool:
    if isinstance(errand, ForPage):
        return True
    # What is missing of a second factor is asked for on its own page.
    wish = replace(errand.wish, acr=None)
    return is_enough(service, wish, standing, errand.ask.asked_at)


def _among(members: Sequence[Member], connection: Connection, standing: Standing, errand: ForClient) -> Place:
    wish, chosen = errand.wish, errand.ask.membership
    suitable = served(members, wish.client)
    offered = reached(suitable, standing)
    if suitable and not vouched_for(suitable, standing):
        # Another organisation's provider has said who she is: for these she shows it here.
        return Place(Step.SIGN_IN)
    member = next((member for member in offered if member.membership == chosen), None)
    if chosen is not None and member is None:
        return Place(Step.LOST, standing)
    if not offered:
        return Place(Step.WITHOUT_SECOND if suitable else Step.WITHOUT_PLACE, standing)
    if member is None and len(offered) > 1:
        return Place(Step.MEMBERSHIP, standing, offered)
    member = member or offered[0]
    is_known = "consent" not in wish.prompt and is_allowed(
        connection,
        person=standing.person,
        client=wish.client,
        membership=member.membership,
        scopes=wish.scopes,
    )
    return Place(Step.READY if is_known else Step.CONSENT, standing, offered, member)


def finish(
    connection: Connection, service: Service, browser: Browser, errand: ForClient, place: Place
) -> Redirect | Mistake:
    """Answer the client: with a code for the membership that she goes on in, or that she was denied. The errand is over."""
    wish, standing, member = errand.wish, place.standing, place.member
    end_ask(connection, service, errand.ask.id)
    if standing is None or member is None:
        return deny(service, wish, ACCESS_DENIED)
    answer = conclude(connection, service, wish, standing, member)
    if member.role is Role.SURVIVOR:
        # Others use the same phone: nobody stays signed in on it.
        forget_person(connection, browser.id)
    return answer


def hold(connection: Connection, errand: ForClient, place: Place) -> None:
    """Keep in which membership she goes on, before a page says so: what she allows there holds for that one alone."""
    if place.member is not None and errand.ask.membership is None:
        choose_membership(connection, errand.ask.id, place.member.membership)

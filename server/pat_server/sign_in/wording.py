"""The sentences of the pages that are chosen by what happens. Whoever looks over her shoulder learns nothing from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pat_auth.policy import Role
from pat_auth.scopes import ADMINISTRATION, OPENID
from pat_server.sign_in.languages import noop

ROLES: Mapping[Role, str] = {
    Role.ORGANISATION_ADMIN: noop("Administrator"),
    Role.CASE_MANAGER: noop("Manager"),
    Role.SOCIAL_WORKER: noop("Social worker"),
    Role.COUNSELLOR: noop("Counsellor"),
    Role.LEGAL_AID: noop("Legal adviser"),
    Role.SHG_FACILITATOR: noop("Group facilitator"),
    Role.MIS_FOCAL: noop("Data officer"),
    Role.SURVIVOR: noop("Member, for yourself"),
    Role.SECRETARIAT_ADMIN: noop("Administrator"),
    Role.SECRETARIAT_ANALYST: noop("Analyst"),
    Role.AUDITOR: noop("Auditor"),
    Role.DESTINATION_ADMIN: noop("Administrator"),
    Role.DESTINATION_WORKER: noop("Worker"),
    Role.FUNDER: noop("Funder"),
    Role.PLATFORM_OPERATOR: noop("Operator"),
    Role.SERVICE: noop("Service"),
}
"""What somebody acts as, said so that everybody may read it."""

MAY: Mapping[str, str] = {
    OPENID: noop("Know that it is you who has signed in, and as what"),
    "cases": noop("Read and write records"),
    "identity": noop("Be told people's names, and how to reach them"),
    "health": noop("Be told about people's health"),
    "groups": noop("Read and write about groups and their meetings"),
    "referrals": noop("Read, send and answer requests between organisations"),
    ADMINISTRATION: noop("Change which people and programs can come in"),
}
"""What each scope lets a client do."""

MAY_NOT: Mapping[str, str] = {
    "identity": noop("This program will not be told anybody's name."),
    "health": noop("This program will not be told about anybody's health."),
    ADMINISTRATION: noop("This program cannot change who can come in."),
}
"""What it means that a scope is missing, where people must be able to rely on it."""


@dataclass(frozen=True)
class Notice:
    """A page that says one thing."""

    heading: str
    sentence: str


WITHOUT_PLACE = Notice(
    noop("You cannot go on here"),
    noop("You do not belong to an organisation that uses this program. Ask whoever sent you here."),
)
WITHOUT_SECOND = Notice(
    noop("You need a code as well"),
    noop(
        "What you do here asks for a code beside your password, and none has been set up for you."
        " Ask your administrator for a new invitation."
    ),
)
NOT_UNDERSTOOD = Notice(
    noop("This link does not work"),
    noop(
        "The program that sent you here asked in a way that is not understood. Go back to it and try again."
        " If that does not help, tell the people who run it."
    ),
)
UNKNOWN_PROGRAM = Notice(
    noop("This link does not work"),
    noop("The program that sent you here is not known, or has been closed. Tell the people who run it."),
)
TOO_OLD = Notice(
    noop("This page is too old"),
    noop("Go back to the program that you came from, and sign in from there again."),
)
NOT_FROM_HERE = Notice(
    noop("This page is too old"),
    noop("It was open for too long, or in two places at once. Nothing has happened."),
)
MISSING = Notice(
    noop("There is nothing here"),
    noop("Check the address, or go back to the program that you came from."),
)
BUSY = Notice(
    noop("Not now"),
    noop("This cannot be answered at the moment. Wait a minute, then try again."),
)
BROKEN = Notice(
    noop("Something went wrong"),
    noop(
        "The mistake is ours, and has been noted. Try again; if that does not help, tell your administrator."
    ),
)
SIGNED_OUT = Notice(noop("You are signed out"), noop("You can close this page."))
PIN_GONE = Notice(
    noop("This link is over"),
    noop("It was used already, or is too old. Ask whoever gave it to you for a new one."),
)
RESET_GONE = Notice(
    noop("This link is over"),
    noop("It was used already, or is too old, or you were sent a newer one. You can ask for another."),
)
RESET_DONE = Notice(
    noop("Your password is changed"),
    noop("You were signed out everywhere. Go to the program that you want to use, and sign in there."),
)
ON_ITS_WAY = Notice(
    noop("Look into your mail"),
    noop(
        "If somebody signs in with this address, a link to choose a new password is on its way to it. It works for"
        " half an hour. If nothing comes, look whether the address is right, and try again in a quarter of an hour."
    ),
)
PIN_KEPT = Notice(
    noop("You can sign in now"),
    noop("Remember your name and your PIN: they are written down nowhere."),
)

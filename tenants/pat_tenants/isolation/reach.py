"""What each reach means in SQL, table by table."""

from __future__ import annotations

from sqlalchemy import Table

from pat_auth.policy import POLICY, Permission, Reach, Role

ORGANISATION = "(select substr(session_user::text, 5, 32)::uuid)"
"""The caller's organisation, parsed from the login: only a superuser could change it."""

ACTOR = "(select sec.actor())"
SURVIVOR = "(select sec.survivor())"
MEMBERSHIP = "(select sec.membership())"
"""The membership that she acts under: whoever has two in an organisation reaches in one role what is hers in that one."""

HELD = "(select sec.is_held())"
"""Whether it is hidden from the caller what could endanger her while somebody looks on."""

_MINE = f"select {{column}} from app.case_assignments where membership_id = {MEMBERSHIP} and ended_at is null"

# The door shows what was agreed only while it is open, as of when the statement began; the function asks whether it is open now.
_HEARINGS_RECEIVED = (
    "app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS')"
    " and exists (select from door.received_referrals d where d.from_organisation_id = referral_organisation_id"
    " and d.id = referral_id and 'HEARING_SCHEDULE' = any(d.scopes))"
)

_WORKING = ", ".join(f"'{role}'" for role in POLICY[Permission.REFERRAL_ANSWER])
# It is given to those who can work on it, or to nobody.
_UNFINISHED = (
    "app.received_status(referral_organisation_id, referral_id) in ('SENT', 'ACCEPTED', 'IN_PROGRESS')"
)
_GIVEN = (
    f"{_UNFINISHED} and (membership_id is null or membership_id in"
    f" (select m.id from app.memberships m where m.role in ({_WORKING}) and m.ended_at is null))"
)

# What is confirmed is a day by video link, to come, that the receiver of a referral of ours reports while it is open to it.
_CONFIRMS = (
    "exists (select from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id"
    " join door.referral_states s on s.id = r.id where h.id = hearing_id and r.id = hearing_confirmations.referral_id"
    " and r.case_id = hearing_confirmations.case_id and r.to_organisation_id = hearing_organisation_id"
    " and s.status in ('ACCEPTED', 'IN_PROGRESS') and h.mode = 'VIDEO'"
    " and h.state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY'))"
)

_SPECIAL: dict[tuple[str, Reach], str] = {
    ("app.organisations", Reach.NETWORK): "true",
    ("app.organisations", Reach.ORGANISATION): f"id = {ORGANISATION}",
    ("app.places", Reach.NETWORK): "true",
    ("app.memberships", Reach.SELF): f"person_id = {ACTOR}",
    # Colleagues are listed; which survivors sign in is nobody's business.
    ("app.memberships", Reach.ORGANISATION): "role <> 'survivor'",
    ("app.memberships", Reach.OWN): (
        "id in (select membership_id from app.case_assignments"
        f" where survivor_id = {SURVIVOR} and ended_at is null) and not {HELD}"
    ),
    ("app.hearings", Reach.OWN): f"survivor_id = {SURVIVOR} and not {HELD}",
    ("app.hearing_confirmations", Reach.OWN): f"survivor_id = {SURVIVOR} and not {HELD}",
    ("app.referral_steps", Reach.OWN): f"survivor_id = {SURVIVOR} and not {HELD}",
    # That somebody has come in is nobody's business but when it is an alert.
    ("app.alerts", Reach.ORGANISATION): "is_raised",
    ("app.alert_closings", Reach.ORGANISATION): "alert_id in (select id from app.alerts)",
    ("app.transitions", Reach.SELF): "true",
    ("app.replays", Reach.SELF): f"person_id = {ACTOR}",
    # What the receiver of a referral wrote is its own: the fence alone decides.
    ("app.referral_answers", Reach.RECEIVED): "true",
    ("app.referral_hearings", Reach.RECEIVED): "true",
    ("app.referral_updates", Reach.RECEIVED): "true",
    ("app.referral_assignments", Reach.RECEIVED): "true",
    # A referral that was not sent is not known to be there. Asked for each row: to list them all takes longer, and few have changed.
    ("app.referral_changes", Reach.RECEIVED): (
        "(select d.id from door.received_referrals d where d.id = referral_id"
        " and (not is_of_hearings or 'HEARING_SCHEDULE' = any (d.scopes)) limit 1) is not null"
    ),
}

_CHECKS: dict[tuple[str, Reach], str] = {
    # A program that serves the network speaks for other organisations' people: only who runs the server changes it.
    ("app.clients", Reach.ORGANISATION): "serves = 'ORGANISATION'",
    (
        "app.client_keys",
        Reach.ORGANISATION,
    ): "client_id in (select id from app.clients where serves = 'ORGANISATION')",
    # She agrees to what is hers, herself, signed in: what others say that she agreed to, others record.
    ("app.consents", Reach.OWN): f"survivor_id = {SURVIVOR} and giver = 'SELF' and mode = 'APP'",
    (
        "app.consents",
        Reach.ASSIGNED,
    ): f"survivor_id in ({_MINE.format(column='survivor_id')}) and mode <> 'APP'",
    ("app.consents", Reach.ORGANISATION): "mode <> 'APP'",
    # The door is asked before the foreign key is: an id that is not ours to answer is refused like one that does not exist.
    # The door reads this very table, which a policy of the table may not do: the function asks in a query of its own.
    ("app.referral_answers", Reach.RECEIVED): (
        "app.received_status(referral_organisation_id, referral_id) in ('SENT', 'ACCEPTED', 'IN_PROGRESS')"
    ),
    ("app.referral_hearings", Reach.RECEIVED): _HEARINGS_RECEIVED,
    ("app.referral_updates", Reach.RECEIVED): (
        "app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS')"
    ),
    ("app.referral_assignments", Reach.RECEIVED): _GIVEN,
    ("app.hearing_confirmations", Reach.ORGANISATION): _CONFIRMS,
    (
        "app.hearing_confirmations",
        Reach.ASSIGNED,
    ): f"case_id in ({_MINE.format(column='case_id')}) and {_CONFIRMS}",
}

_CHECKS_OF_ROLES: dict[tuple[str, Role], str] = {
    # Only who leads them gives a referral to others.
    ("app.referral_assignments", Role.DESTINATION_WORKER): f"{_UNFINISHED} and membership_id = {MEMBERSHIP}",
}

_CHECKS_OF_CHANGES: dict[tuple[str, Reach], str] = {
    # Whose case it is stands in the row and is not changed.
    ("app.hearing_confirmations", Reach.ASSIGNED): _CONFIRMS,
}

_TO_COME = "state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')"

_OPEN: dict[str, str] = {
    "app.case_assignments": "ended_at is null",
    "app.client_keys": "retired_at is null",
    "app.clients": "disabled_at is null",
    "app.invitations": "taken_up_at is null and withdrawn_at is null",
    "app.hearings": _TO_COME,
    "app.referral_hearings": _TO_COME,
    "app.safety_holds": "lifted_at is null",
    "app.partner_suspensions": "lifted_at is null",
}
"""Rows that may still be changed. What has ended stays so: nobody comes back by having a row of hers open again."""

_RECEIVERS_OWN = frozenset(
    f"app.referral_{rows}" for rows in ("answers", "hearings", "updates", "assignments")
)
"""What a receiver writes about a referral: only its reach opens these tables, the sender looks through the door."""

_OF_BOTH_SIDES = frozenset({"app.referral_changes"})
"""What is kept for senders and for receivers alike, each in rows of its own."""


def condition(table: Table, reach: Reach, *, writing: bool = False) -> str | None:
    """The policy's condition for ``table`` at ``reach``, or None where the reach opens nothing of it.

    The fence stands beside it in a policy of its own, so that ``ORGANISATION`` adds nothing to it. Raises KeyError when the table
    has no column to say what the reach would mean: a new table must say whose its rows are.
    """
    name = f"{table.schema}.{table.name}"
    if name not in _OF_BOTH_SIDES and (reach is Reach.RECEIVED) is not (name in _RECEIVERS_OWN):
        return None
    if writing and (name, reach) in _CHECKS:
        return _CHECKS[name, reach]
    if (name, reach) in _SPECIAL:
        return _SPECIAL[name, reach]
    if reach is Reach.ORGANISATION:
        return "true"
    if reach is Reach.OWN:
        return f"{table.info['survivor']} = {SURVIVOR}"
    if reach is Reach.ASSIGNED:
        return _assigned(table)
    raise KeyError(f"{name} does not say what {reach} means")


def check(table: Table, reach: Reach, role: Role, *, changing: bool) -> str | None:
    """The condition that a row must meet which the role writes, or changes. Raises KeyError as ``condition`` does."""
    if changing and (table.fullname, reach) in _CHECKS_OF_CHANGES:
        return _CHECKS_OF_CHANGES[table.fullname, reach]
    of_role = _CHECKS_OF_ROLES.get((table.fullname, role))
    return of_role or condition(table, reach, writing=True)


def changeable(table: Table, visible: str) -> str:
    """The condition of the rows that may be changed, of those that are ``visible`` to whoever may change some."""
    still = _OPEN.get(f"{table.schema}.{table.name}")
    if still is None:
        return visible
    return still if visible == "true" else f"{visible} and {still}"


def _assigned(table: Table) -> str:
    if table.name == "case_assignments":
        return f"membership_id = {MEMBERSHIP}"
    if "case" in table.info:
        return f"{table.info['case']} in ({_MINE.format(column='case_id')})"
    return f"{table.info['survivor']} in ({_MINE.format(column='survivor_id')})"

"""Who may do what for people to sign in: the login behind the pages, and the functions that know memberships and clients for it.

The login holds the tables of its own schema, column by column, and nothing of any organisation's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pat_auth.policy import POLICY, Permission
from pat_platform.database.logins import SIGN_IN
from pat_tenants.isolation.roles import GROUP, database_role


@dataclass(frozen=True)
class Kept:
    """One table: what may be read (None for every column), whether rows are put in, and which columns are changed.

    Where it puts no rows in, they may be put in by functions of the schema alone: ``is_ours``. Whether they, or an
    operator's commands, read or write it at all: ``is_used``.
    """

    table: str
    reads: tuple[str, ...] | None = None
    is_added_to: bool = True
    is_ours: bool = False
    is_used: bool = True
    changes: tuple[str, ...] = ()


KEPT = (
    Kept("sec.asks", changes=("membership_id", "ended_at")),
    Kept("sec.assertions"),
    Kept("sec.attempts", changes=("failures", "last_at", "next_at")),
    Kept(
        "sec.browsers",
        changes=(
            "secret_hash",
            "person_id",
            "first_at",
            "second_at",
            "methods",
            "seen_at",
            "ended_at",
            "is_duress",
            "upstream_id",
        ),
    ),
    Kept(
        "sec.challenges", is_used=False, changes=("challenge", "person_id", "handle", "expires_at", "used_at")
    ),
    Kept("sec.codes", changes=("used_at", "session_id")),
    Kept("sec.consents", changes=("scopes", "given_at", "withdrawn_at", "client_hash")),
    Kept("sec.mails", changes=("sealed", "next_at", "tries", "sent_at")),
    Kept("sec.passkeys", is_used=False, changes=("sign_count", "used_at", "ended_at", "name")),
    # Who there is, and which sessions stand, is for the functions of the schema to say.
    Kept(
        "sec.people",
        reads=("id", "email", "disabled_at", "language", "sign_in_name"),
        is_added_to=False,
        changes=("language",),
    ),
    Kept("sec.recovery_codes", is_used=False, changes=("used_at",)),
    Kept("sec.refresh_tokens", changes=("used_at",)),
    Kept("sec.resets", changes=("token_hash", "person_id", "replaces", "expires_at", "used_at")),
    Kept("sec.second_factors", changes=("confirmed_at", "last_step")),
    Kept("sec.secrets", changes=("hash", "key", "changed_at")),
    Kept("sec.sessions", is_added_to=False, changes=("used_at", "is_duress")),
    Kept("sec.upstream_identities", is_added_to=False, is_ours=True),
    Kept("sec.upstream_visits", changes=("used_at",)),
    Kept("sec.upstreams", is_added_to=False, is_ours=True),
)
"""Nothing is ever deleted by it."""

_ADMINISTRATORS = tuple(database_role(role) for role in POLICY[Permission.CLIENT_REGISTER])
_INVITING = tuple(database_role(role) for role in POLICY[Permission.MEMBER_INVITE])
_ENDING = tuple(database_role(role) for role in POLICY[Permission.MEMBER_END])
_LINKING = tuple(database_role(role) for role in POLICY[Permission.SURVIVOR_INVITE])

CALLERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sec.find_client(uuid)": (SIGN_IN,),
        "sec.client_origins()": (SIGN_IN,),
        "sec.memberships_of(uuid)": (SIGN_IN,),
        "sec.open_session(uuid,uuid,uuid,uuid,text[],uuid,timestamp with time zone,text,timestamp with time zone)": (
            SIGN_IN,
        ),
        "sec.open_machine_session(uuid,uuid,text[])": (SIGN_IN,),
        "sec.revoke_session(uuid,text)": (SIGN_IN,),
        "sec.is_live(uuid)": (SIGN_IN,),
        "sec.find_invitation(bytea)": (SIGN_IN,),
        "sec.take_up(bytea,uuid)": (SIGN_IN,),
        "sec.enrol(bytea,uuid)": (SIGN_IN,),
        "sec.begin_pin(bytea,text,text,text)": (SIGN_IN,),
        "sec.note_arrival(uuid,boolean)": (SIGN_IN,),
        "sec.tell_alerts()": (SIGN_IN,),
        "sec.note_change(uuid,text)": (SIGN_IN,),
        "sec.invite_survivor(uuid,text,bytea)": _LINKING,
        "sec.withdraw_link(uuid)": _LINKING,
        "sec.find_reset(bytea)": (SIGN_IN,),
        "sec.reset_password(bytea,text,smallint)": (SIGN_IN,),
        "sec.forget()": (SIGN_IN,),
        "sec.forget_resets()": (SIGN_IN,),
        "sec.my_sessions()": (GROUP,),
        "sec.end_my_session(uuid)": (GROUP,),
        "sec.end_my_sessions()": (GROUP,),
        "sec.end_sessions_of(uuid)": _ADMINISTRATORS,
        "sec.forget_mails()": (SIGN_IN,),
        "sec.link_upstream(uuid,text,uuid)": (SIGN_IN,),
        "sec.unlink_upstream(uuid,uuid)": (SIGN_IN,),
        "sec.post_mail(uuid,bytea,timestamp with time zone)": _INVITING,
        "sec.roles_here()": _INVITING,
        "sec.is_member(text,text)": _INVITING,
        "sec.end_membership(uuid)": _ENDING,
        "trail.append(uuid,uuid,text,uuid[],jsonb)": ("pat_sec",),
    }
)
"""Who calls the functions of signing in, as PostgreSQL writes them."""

KEEPER = (
    ("app.organisations", "SELECT", ("id", "slug", "name")),
    ("app.clients", "SELECT", ()),
    # To hold a client's row still is a right to change it.
    ("app.clients", "UPDATE", ("disabled_at",)),
    ("app.client_keys", "SELECT", ()),
    ("app.invitations", "SELECT", ()),
    ("app.invitations", "UPDATE", ("taken_up_at", "withdrawn_at")),
    ("app.invitations", "DELETE", ()),
    (
        "app.case_assignments",
        "SELECT",
        ("organisation_id", "case_id", "survivor_id", "membership_id", "ended_at"),
    ),
    ("app.case_assignments", "UPDATE", ("ended_at",)),
    ("app.alerts", "INSERT", ("organisation_id", "survivor_id", "is_raised")),
    ("app.alerts", "SELECT", ("organisation_id", "id", "created_at", "is_raised", "told_at")),
    ("app.alerts", "UPDATE", ("told_at",)),
    ("app.alerts", "DELETE", ()),
    ("app.alert_closings", "SELECT", ("organisation_id", "alert_id")),
    ("app.survivors", "SELECT", ("organisation_id", "id")),
    ("app.memberships", "INSERT", ("organisation_id", "id", "person_id", "role", "name", "survivor_id")),
    ("app.memberships", "UPDATE", ("name", "ended_at")),
)
"""What these functions reach of the tables of organisations, in the name of their owner; no columns for the whole table."""


def grants() -> Iterator[tuple[str, str, str, str]]:
    """Each privilege: who holds it, the table, the command, and a column, or ``*`` for the whole table."""
    for kept in KEPT:
        for column in kept.reads or ("*",):
            yield SIGN_IN, kept.table, "SELECT", column
        if kept.is_added_to:
            yield SIGN_IN, kept.table, "INSERT", "*"
        for column in kept.changes:
            yield SIGN_IN, kept.table, "UPDATE", column
    for table, command, columns in KEEPER:
        for column in columns or ("*",):
            yield "pat_sec", table, command, column


def render() -> Iterator[tuple[str, str]]:
    """The statements that grant it, each with the role that must run it."""
    yield "pat_sec", f"grant usage on schema sec to {SIGN_IN}"
    yield "pat_trail", "grant usage on schema trail to pat_sec"
    for function, callers in CALLERS.items():
        yield (
            f"pat_{function.partition('.')[0]}",
            f"grant execute on function {function} to {', '.join(callers)}",
        )
    for table, command, columns in KEEPER:
        some = f" ({', '.join(columns)})" if columns else ""
        yield "pat_owner", f"grant {command.lower()}{some} on {table} to pat_sec"
        clause = "with check (true)" if command == "INSERT" else "using (true)"
        name = f"keeper_{command.lower()}"
        yield "pat_owner", f"create policy {name} on {table} for {command.lower()} to pat_sec {clause}"
    for kept in KEPT:
        reads = f"select ({', '.join(kept.reads)})" if kept.reads else "select"
        adds = ("insert",) if kept.is_added_to else ()
        changes = (f"update ({', '.join(kept.changes)})",) if kept.changes else ()
        yield "pat_sec", f"grant {', '.join((reads, *adds, *changes))} on {kept.table} to {SIGN_IN}"
        if kept.is_used and (kept.is_added_to or kept.is_ours):
            # Row security binds the owner of the table too, in whose name its functions run.
            yield "pat_sec", f"create policy keeper on {kept.table} to pat_sec using (true) with check (true)"
        yield "pat_sec", f"create policy sign_in on {kept.table} to {SIGN_IN} using (true) with check (true)"

"""What the issuer keeps for a while, and when it is gone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.isolation.test_own_sessions import put_session
from tests.isolation.test_sign_in_login import ask
from tests.support.issuing import put_browser, put_invitation
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN
from pat_tenants.tables import metadata

LABELS = {
    "sec.codes": "encode(hash, 'escape')",
    "sec.asks": "query",
    "sec.browsers": "encode(secret_hash, 'escape')",
    "sec.refresh_tokens": "encode(hash, 'escape')",
    "sec.sessions": "client",
    "sec.assertions": "encode(jti_hash, 'escape')",
    "sec.attempts": "encode(key, 'escape')",
    "app.invitations": "name",
}
WITH_THEIR_BROWSER = {"sec.challenges", "sec.upstream_visits"}
BY_FUNCTIONS_OF_THEIR_OWN = {"sec.mails", "sec.resets"}
STAYING = {
    *("sec.logins", "sec.people", "sec.consents", "sec.upstreams", "sec.upstream_identities"),
    *("sec.secrets", "sec.second_factors", "sec.recovery_codes", "sec.passkeys"),
}
OVER = {"hour": "61 min", "day": "25 hours", "month": "31 days", "once": "1 s"}
YOUNG = {"hour": "59 min", "day": "23 hours", "month": "29 days", "once": "-1 min"}


@pytest.fixture
def member(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.SOCIAL_WORKER)


def forget(admin: Connection) -> None:
    with as_superuser(admin, SIGN_IN, None):
        admin.execute("select sec.forget()")


def put_rows(admin: Connection, member: Member, label: str, ages: dict[str, str]) -> None:
    """A row of every table that has been over for as long as ``ages`` says; two where something ends before it would expire."""
    admin.execute(
        "insert into sec.codes (hash, client, redirect_uri, scopes, challenge, browser_id, person_id, organisation_id,"
        " membership_id, auth_time, acr, amr, expires_at)"
        " select %s, client, redirect_uri, scopes, challenge, browser_id, person_id, organisation_id, membership_id,"
        " auth_time, acr, amr, now() - %s::interval from sec.codes limit 1",
        (label.encode(), ages["hour"]),
    )
    admin.execute(
        "insert into sec.assertions (client, jti_hash, expires_at) values (gen_random_uuid(), %s, now() - %s::interval)",
        (label.encode(), ages["once"]),
    )
    admin.execute(
        "insert into sec.attempts (kind, key, last_at, next_at) values ('ADDRESS', %s, now() - %s::interval, now())",
        (label.encode(), ages["day"]),
    )
    session, _ = put_session(admin, member, client=label)
    over = "update sec.sessions set expires_at = now() - %s::interval where id = %s"
    admin.execute(over, (ages["month"], session))
    admin.execute(
        "insert into sec.refresh_tokens (hash, session_id, number, scopes, expires_at) values (%s, %s, 0, '{}', now())",
        (label.encode(), session),
    )
    for number, changes in enumerate(
        [
            {"expires_at": ages["day"]},
            {"expires_at": "-1 hour", "ended_at": ages["day"]},
        ]
    ):
        put_asked(admin, member, f"{label}/{number}", changes)
    for number, column in enumerate(["taken_up_at", "withdrawn_at", "expires_at"]):
        name = f"{label}/{number}"
        invitation = put_invitation(
            admin, member.organisation, "x@example.org", Role.COUNSELLOR, token=name.encode(), name=name
        )
        admin.execute(
            f"update app.invitations set {column} = now() - %s::interval where id = %s".encode(),
            (ages["month"], invitation),
        )


def put_asked(admin: Connection, member: Member, label: str, ago: dict[str, str]) -> None:
    """A browser and what was asked in another, which have ended and expire so long ago."""
    open_one = put_browser(admin, member.person)
    columns = ", ".join(ago)
    moments = ", ".join("now() - %s::interval" for _ in ago)
    admin.execute(
        f"insert into sec.browsers (id, secret_hash, {columns}) values (gen_random_uuid(), %s, {moments})".encode(),
        (label.encode(), *ago.values()),
    )
    admin.execute(
        f"insert into sec.asks (id, browser_id, client, query, {columns})"
        f" values (gen_random_uuid(), %s, gen_random_uuid(), %s, {moments})".encode(),
        (open_one, label, *ago.values()),
    )


def labels(admin: Connection, table: str) -> list[str]:
    """Those of the rows that a test put there."""
    rows: list[tuple[Any]] = admin.execute(f"select {LABELS[table]} from {table}".encode()).fetchall()
    return sorted(label for (label,) in rows if label.startswith(("over", "young")))


def test_somebody_has_decided_of_each_table_whether_its_rows_are_forgotten() -> None:
    tables = {name for name, table in metadata.tables.items() if table.schema == "sec"}
    forgotten = {name for name in LABELS if name.startswith("sec.")}
    assert tables == forgotten | WITH_THEIR_BROWSER | BY_FUNCTIONS_OF_THEIR_OWN | STAYING
    for name in WITH_THEIR_BROWSER:
        (browser,) = metadata.tables[name].c["browser_id"].foreign_keys
        assert browser.ondelete == "CASCADE"


def test_what_is_long_over_is_forgotten_and_nothing_else(admin: Connection, member: Member) -> None:
    put_rows(admin, member, "over", OVER)
    put_rows(admin, member, "young", YOUNG)
    before = {table: labels(admin, table) for table in LABELS}

    forget(admin)

    for table, found in before.items():
        assert any(label.startswith("over") for label in found), table
        assert labels(admin, table) == [label for label in found if label.startswith("young")], table


def test_a_session_that_ended_early_is_kept_until_it_would_have_expired_and_a_month(
    admin: Connection, member: Member
) -> None:
    session, _ = put_session(admin, member, client="young")
    admin.execute("update sec.sessions set revoked_at = now() - interval '31 days' where id = %s", (session,))
    forget(admin)
    assert labels(admin, "sec.sessions") == ["young"]


@pytest.mark.parametrize(("is_raised", "ago", "kept"), [(False, 25, 0), (False, 23, 1), (True, 2500, 1)])
def test_an_arrival_that_alarms_nobody_is_forgotten_the_next_day_and_an_alert_never(
    admin: Connection, is_raised: bool, ago: int, kept: int
) -> None:
    alert = ask(
        admin,
        "insert into app.alerts (organisation_id, survivor_id, is_raised, created_at)"
        " select organisation_id, id, %s, now() - make_interval(hours => %s) from app.survivors limit 1 returning id",
        is_raised,
        ago,
    )
    forget(admin)
    assert ask(admin, "select count(*) from app.alerts where id = %s", alert) == kept


def test_forgetting_takes_little_at_a_time(admin: Connection) -> None:
    """So that nobody waits for it."""
    admin.execute(
        "insert into sec.assertions (client, jti_hash, expires_at)"
        " select gen_random_uuid(), '\\x00', now() - interval '1 min' from generate_series(1, 1500)"
    )
    forget(admin)
    assert ask(admin, "select count(*) from sec.assertions") in (500, 501)

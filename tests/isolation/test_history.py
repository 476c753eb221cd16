"""The steps of a sender, in SQL: each is kept as it is taken, by nobody's hand, and its receiver sees those since it was sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.people import named
from tests.support.wall import Connection, Wall, as_superuser, attempt, careless_view

from pat_auth.policy import Role
from pat_tenants.isolation.doors import REFERRAL

REFUSED = "42501"
CBO_A = named("organisation", "cbo-a")
HERS, RECEIVED = named("cbo-a", "referrals", "hers"), named("cbo-a", "received", "hers")
DRAFT = named("cbo-a", "referrals", "ours")
KEPT = f"select state, actor from app.referral_steps where referral_id = '{HERS}' order by taken_at"
SEEN = f"select state from door.received_steps where referral_id = '{RECEIVED}' order by taken_at"


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("delete from app.referral_steps")
        dated = f"update app.referrals set sent_at = now(), agreed_until = now() + interval '1 day' where id = '{DRAFT}'"
        wall.admin.execute(dated.encode())
        yield wall.admin


def test_each_step_is_kept_once_with_who_took_it(wall: Wall, admin: Connection) -> None:
    me = wall.member("cbo-a", Role.CASE_MANAGER)
    with as_superuser(admin, me.login, me.session):
        for change in (
            "state = 'SUSPENDED'",
            "agreed_until = agreed_until",
            "state = 'REVOKED'",
            "state = state",
        ):
            assert attempt(admin, f"update app.referrals set {change} where id = '{HERS}'") == [(1,)]
        assert attempt(admin, KEPT) == [("SUSPENDED", me.person), ("REVOKED", me.person)]
    admin.execute(f"update app.referrals set state = 'DRAFT' where id = '{HERS}'".encode())
    assert admin.execute(KEPT.encode()).fetchall()[2:] == [("DRAFT", None)]


def test_a_safety_hold_hides_the_steps_from_herself_alone(wall: Wall, admin: Connection) -> None:
    me, manager = wall.member("cbo-a", Role.SURVIVOR), wall.member("cbo-a", Role.CASE_MANAGER)
    admin.execute(f"update app.referrals set state = 'SUSPENDED' where id = '{HERS}'".encode())
    held = "insert into app.safety_holds values (%s, gen_random_uuid(), %s, gen_random_uuid())"
    shown = []
    for is_held in (False, True):
        if is_held:
            admin.execute(held.encode(), (CBO_A, named("cbo-a", "survivors", "hers")))
        for member in (me, manager):
            with as_superuser(admin, member.login, member.session):
                shown.append(attempt(admin, f"select state from ({KEPT}) k"))
    assert shown == [[("SUSPENDED",)], [("SUSPENDED",)], [], [("SUSPENDED",)]]


@pytest.mark.parametrize("role", [Role.CASE_MANAGER, Role.ORGANISATION_ADMIN, Role.DESTINATION_ADMIN])
def test_nobody_writes_changes_or_deletes_a_step(wall: Wall, admin: Connection, role: Role) -> None:
    me = wall.member("cbo-a", role)
    with as_superuser(admin, me.login, me.session):
        for statement in (
            "update app.referral_steps set state = 'CLOSED'",
            "update app.referral_steps set taken_at = now()",
            "delete from app.referral_steps",
            "truncate app.referral_steps",
            "insert into app.referral_steps (organisation_id, referral_id, case_id, survivor_id, state)"
            " select organisation_id, id, case_id, survivor_id, 'CLOSED' from app.referrals",
        ):
            assert attempt(admin, statement) == REFUSED, statement


def test_its_receiver_alone_sees_the_steps_since_it_was_sent(wall: Wall, admin: Connection) -> None:
    for state in ("DRAFT", "CONSENT_RECORDED", "SUSPENDED", "SENT", "REVOKED"):
        admin.execute(f"update app.referrals set state = '{state}' where id = '{HERS}'".encode())
    admin.execute(f"update app.referrals set state = 'CONSENT_RECORDED' where id = '{DRAFT}'".encode())
    for slug, steps in (("goa", ["SUSPENDED", "SENT", "REVOKED"]), ("delhi", [])):
        me = wall.member(slug, Role.DESTINATION_WORKER)
        with as_superuser(admin, me.login, me.session):
            assert attempt(admin, SEEN) == [(step,) for step in steps]
            everything = "select count(*) from door.received_steps"
            assert attempt(admin, everything) == [(len(steps),)]
            assert attempt(admin, "select 1 from app.referral_steps") == REFUSED
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    with as_superuser(admin, manager.login, manager.session):
        assert attempt(admin, SEEN) == REFUSED


def test_the_doors_owner_reads_of_steps_those_since_a_referral_was_sent_to_the_caller(
    wall: Wall, admin: Connection
) -> None:
    for state in ("DRAFT", "CONSENT_RECORDED", "SENT"):
        admin.execute(
            f"update app.referrals set state = '{state}' where organisation_id = '{CBO_A}'".encode()
        )
    careless_view(wall, REFERRAL.owner, "app.referral_steps")
    sent = {"goa": {HERS, DRAFT}, "delhi": set(), "cbo-b": {named("cbo-a", "referrals", "exchanged")}}
    for slug, referrals in sent.items():
        me = wall.member(slug, Role.DESTINATION_WORKER)
        with as_superuser(admin, me.login, me.session):
            rows = admin.execute("select referral_id, state from door.careless").fetchall()
        assert set(rows) == {(referral, "SENT") for referral in referrals}, slug


def test_the_view_holds_when_its_owner_may_read_everything(wall: Wall, admin: Connection) -> None:
    for state in ("CONSENT_RECORDED", "SENT", "SUSPENDED"):
        admin.execute(
            f"update app.referrals set state = '{state}' where organisation_id = '{CBO_A}'".encode()
        )
    for table in ("app.referrals", "app.referral_steps"):
        admin.execute(f"alter policy {REFERRAL.owner} on {table} using (true)".encode())
    for slug, found in (("goa", [("SENT",), ("SUSPENDED",)]), ("delhi", [])):
        me = wall.member(slug, Role.DESTINATION_WORKER)
        with as_superuser(admin, me.login, me.session):
            assert attempt(admin, SEEN) == found

"""A legal basis on the logins of an organisation: who puts one down, approves, ends and reviews it, and what nobody does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.policy import Role

REFUSED = "42501"
MANAGER, ADMIN = Role.CASE_MANAGER, Role.ORGANISATION_ADMIN
VITAL: dict[str, Any] = {
    "kind": "VITAL_INTEREST",
    "reference": None,
    "scopes": ["CONTACT_SAFE", "RISK_SAFETY"],
    "valid_until": "now() + interval '71 hours'",
}
ORDER: dict[str, Any] = {
    "kind": "COURT_ORDER",
    "reference": "WP 12/2026",
    "scopes": ["LEGAL_STATUS"],
    "valid_until": "now() + interval '179 days'",
}


@dataclass(frozen=True)
class Bases:
    """Bases of cbo-a about ``hers``, put there by its case manager; her colleague is another person."""

    wall: Wall
    admin: Connection

    def member(self, role: Role, number: int = 1) -> Member:
        return replace(self.wall.member("cbo-a", role), number=number)

    def put(self, kind: dict[str, Any], *, reason: bool = True, **values: Any) -> UUID:
        """One that stands there, put by whom row security does not bind."""
        row = self._row(uuid4(), kind) | values
        id: UUID = row["id"]
        assert self._run(*_insert("app.legal_bases", row)) is None
        if reason:
            why = {
                "organisation_id": row["organisation_id"],
                "basis_id": id,
                "survivor_id": row["survivor_id"],
            }
            why |= {"reason": b"sealed", "created_by": row["created_by"]}
            assert self._run(*_insert("app.legal_basis_reasons", why)) is None
        return id

    def record(self, kind: dict[str, Any], **values: Any) -> str | None:
        """What refuses one that the case manager puts down."""
        me = self.member(MANAGER)
        with as_superuser(self.admin, me.login, me.session):
            return self._run(*_insert("app.legal_bases", self._row(uuid4(), kind) | values))

    def change(self, id: UUID, changes: str, *, by: Member) -> str | None:
        """What refuses a change; ``me`` in it is whoever writes."""
        with as_superuser(self.admin, by.login, by.session):
            changed = changes.replace("me", f"'{by.person}'")
            return self._run(f"update app.legal_bases set {changed} where id = '{id}'")

    def was(self, id: UUID, done: str) -> None:
        """Let something have been done to it. An approval is the colleague's."""
        colleague = self.member(MANAGER, 2).person
        statement = {
            "approved": f"approved_by = '{colleague}', approved_at = now()",
            "ended": f"ended_by = '{colleague}', ended_at = now()",
            "over": "created_at = now() - interval '2 hours', valid_until = now() - interval '1 hour'",
            "reviewed": f"reviewed_by = '{uuid4()}', reviewed_at = now(), review = 'JUSTIFIED'",
        }[done]
        assert self._run(f"update app.legal_bases set {statement} where id = '{id}'") is None

    def _row(self, id: UUID, kind: dict[str, Any]) -> dict[str, Any]:
        return {
            "organisation_id": self.wall.organisation("cbo-a"),
            "id": id,
            "survivor_id": named("cbo-a", "survivors", "hers"),
            "recipient_id": self.wall.organisation("goa"),
            "purpose": "COURT_FOLLOW_UP",
            "created_by": self.member(MANAGER).person,
            **kind,
        }

    def _run(self, statement: str, values: list[Any] | None = None) -> str | None:
        try:
            with self.admin.transaction():
                return None if self.admin.execute(statement.encode(), values).rowcount else "no row"
        except psycopg.errors.CheckViolation as error:
            return error.diag.constraint_name
        except psycopg.Error as error:
            return error.sqlstate


def _insert(table: str, row: dict[str, Any]) -> tuple[str, list[Any]]:
    """A moment is said in SQL, anything else is a value."""
    moments = {name: value for name, value in row.items() if isinstance(value, str) and "now()" in value}
    values = [value for name, value in row.items() if name not in moments]
    marks = ", ".join(str(moments.get(name, "%s")) for name in row)
    return f"insert into {table} ({', '.join(row)}) values ({marks})", values


COLLEAGUES = ((MANAGER, 2), (ADMIN, 2))


@pytest.fixture
def bases(wall: Wall, admin: Connection) -> Bases:
    """With a colleague of each who acts in the same role, on the same login."""
    for role, number in COLLEAGUES:
        member = wall.member("cbo-a", role)
        other = replace(member, number=number)
        admin.execute(
            "insert into sec.people (id, email) values (%s, %s)", (other.person, f"{role}{number}@b.example")
        )
        admin.execute(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, 'tests', now() + interval '1 day')",
            (other.session, other.login, other.organisation, other.membership, other.person),
        )
        admin.execute(
            "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, %s, %s)",
            (other.organisation, other.membership, other.person, role.value, other.name),
        )
    return Bases(wall, admin)


def done(bases: Bases, before: str) -> UUID:
    """A vital interest to which this has happened, in order."""
    id = bases.put(VITAL)
    for each in before.split():
        bases.was(id, each)
    return id


def test_a_case_manager_puts_down_each_of_them(bases: Bases) -> None:
    assert [bases.record(kind) for kind in (VITAL, ORDER, {**ORDER, "kind": "STATUTORY_DUTY"})] == [None] * 3


@pytest.mark.parametrize(
    ("kind", "values", "by"),
    [
        (VITAL, {"valid_until": "now() + interval '73 hours'"}, "ck_legal_bases_valid"),
        (VITAL, {"scopes": ["RISK_SAFETY", "LEGAL_STATUS"]}, "ck_legal_bases_vital"),
        (VITAL, {"reference": "WP 12/2026"}, "ck_legal_bases_reference"),
        (ORDER, {"valid_until": "now() + interval '181 days'"}, "ck_legal_bases_valid"),
        (ORDER, {"valid_until": "now()"}, "ck_legal_bases_valid"),
        (ORDER, {"reference": None}, "ck_legal_bases_reference"),
        (ORDER, {"reference": "1" * 7}, "ck_legal_bases_reference"),
        (ORDER, {"reference": "the order about Rina Das"}, "ck_legal_bases_reference"),
        (ORDER, {"reference": "WP 12/2026\nof Rina"}, "ck_legal_bases_reference"),
        (ORDER, {"reference": "POCSO"}, "ck_legal_bases_reference"),
        (ORDER, {"scopes": []}, "ck_legal_bases_something"),
        (ORDER, {"created_by": named("person", "cbo-a/case_manager/2")}, REFUSED),
        (ORDER, {"created_at": "now() + interval '30 days'"}, REFUSED),
        (VITAL, {"approved_by": named("person", "cbo-a/case_manager/2")}, REFUSED),
        (VITAL, {"approved_at": "now()"}, REFUSED),
    ],
)
def test_what_a_basis_must_not_say_is_not_put_down(
    bases: Bases, kind: dict[str, Any], values: dict[str, Any], by: str
) -> None:
    assert bases.record(kind, **values) == by
    if by.startswith("ck_"):
        bases.admin.execute(f"alter table app.legal_bases drop constraint {by}".encode())
        assert bases.record(kind, **values) is None


@pytest.mark.parametrize(("role", "number"), [(MANAGER, 2), (ADMIN, 1)])
def test_a_second_person_approves_now_and_nobody_changes_when(bases: Bases, role: Role, number: int) -> None:
    id = done(bases, "")
    assert bases.change(id, "approved_by = me", by=bases.member(role, number)) is None
    stamped = "select approved_at = statement_timestamp() or now() - approved_at < interval '1 minute' from app.legal_bases where id = %s"
    assert bases.admin.execute(stamped, (id,)).fetchone() == (True,)


STEPS = "transition"
COLLEAGUE = (MANAGER, 2)
TRIED: dict[str, tuple[str, str, tuple[Role, int], str]] = {
    # What has happened, what is tried, by whom, and what refuses it.
    "she approves her own": ("", "approved_by = me", (MANAGER, 1), "ck_legal_bases_approved"),
    "she approves in another's name": ("", "approved_by = gen_random_uuid()", (MANAGER, 1), STEPS),
    "approved once more": ("approved", "approved_by = me", (ADMIN, 1), STEPS),
    "approval taken back": ("approved", "approved_by = null", COLLEAGUE, STEPS),
    "approved after its end": ("ended", "approved_by = me", (ADMIN, 1), STEPS),
    "approved when it is over": ("over", "approved_by = me", COLLEAGUE, STEPS),
    "ended in another's name": ("", "ended_by = gen_random_uuid()", (MANAGER, 1), STEPS),
    "ended once more": ("ended", "ended_by = me", (MANAGER, 1), STEPS),
    "its end taken back": ("approved ended", "ended_by = null", COLLEAGUE, STEPS),
    "ended when it is over": ("over", "ended_by = me", COLLEAGUE, STEPS),
    "reviewed while it runs": ("approved", "reviewed_by = me, review = 'JUSTIFIED'", (ADMIN, 1), STEPS),
    "reviewed once more": (
        "approved ended reviewed",
        "reviewed_by = me, review = 'UNJUSTIFIED'",
        (ADMIN, 1),
        STEPS,
    ),
    "another word in a review": ("approved ended reviewed", "review = 'UNJUSTIFIED'", (ADMIN, 1), STEPS),
    "reviewed in another's name": (
        "approved ended",
        "reviewed_by = gen_random_uuid(), review = 'JUSTIFIED'",
        (ADMIN, 1),
        STEPS,
    ),
    "reviewed though nobody approved": (
        "over",
        "reviewed_by = me, review = 'JUSTIFIED'",
        (ADMIN, 1),
        "ck_legal_bases_reviewed",
    ),
}


@pytest.mark.parametrize("what", TRIED)
def test_no_login_takes_a_step_that_there_is_not(bases: Bases, what: str) -> None:
    before, changes, (role, number), by = TRIED[what]
    id, who = done(bases, before), bases.member(role, number)
    assert bases.change(id, changes, by=who) == by
    # Without what refuses it, it is done: nothing else stands in its way but that a moment and a name belong together.
    if by == STEPS:
        bases.admin.execute("alter table app.legal_bases disable trigger take_step")
    else:
        bases.admin.execute(f"alter table app.legal_bases drop constraint {by}".encode())
    assert bases.change(id, changes, by=who) in (
        None,
        "ck_legal_bases_approved",
        "ck_legal_bases_ended",
        "ck_legal_bases_reviewed",
    )


def test_nobody_approves_what_has_no_reason(bases: Bases) -> None:
    id = bases.put(VITAL, reason=False)
    assert bases.change(id, "approved_by = me", by=bases.member(*COLLEAGUE)) == STEPS


def test_what_another_organisation_wrote_about_the_same_id_is_no_reason(bases: Bases) -> None:
    """Also if it could be read."""
    id, theirs = bases.put(VITAL, reason=False), bases.wall.organisation("cbo-b")
    bases.put(VITAL, organisation_id=theirs, id=id, survivor_id=named("cbo-b", "survivors", "hers"))
    bases.admin.execute("alter policy fence on app.legal_basis_reasons using (true)")
    assert bases.change(id, "approved_by = me", by=bases.member(*COLLEAGUE)) == STEPS


# Within one statement of hers, in a transaction of hers: the first half of it is before its end, the second after it.
LATER = """do $$
begin
    perform pg_sleep(0.3);
    update app.legal_bases set {changes} where id = '{id}';
end
$$"""


@pytest.mark.parametrize(
    ("before", "changes", "who", "by"),
    [
        ("", "approved_by = '{me}'", COLLEAGUE, STEPS),
        ("approved", "ended_by = '{me}'", COLLEAGUE, STEPS),
        ("approved", "reviewed_by = '{me}', review = 'JUSTIFIED'", (ADMIN, 1), None),
    ],
)
def test_whether_one_is_over_is_asked_of_the_clock(
    bases: Bases, before: str, changes: str, who: tuple[Role, int], by: str | None
) -> None:
    id, member = done(bases, before), bases.member(*who)
    soon = "update app.legal_bases set created_at = now() - interval '1 hour', valid_until = clock_timestamp() + interval '0.2 s'"
    bases.admin.execute(f"{soon} where id = '{id}'".encode())
    statement = LATER.format(changes=changes.format(me=member.person), id=id)
    refused = None
    with as_superuser(bases.admin, member.login, member.session):
        try:
            with bases.admin.transaction():
                bases.admin.execute(statement.encode())
        except psycopg.errors.CheckViolation as error:
            refused = error.diag.constraint_name
    assert refused == by


@pytest.mark.parametrize(
    ("before", "changes", "who", "column"),
    [
        ("", "approved_by = '{me}'", COLLEAGUE, "approved_at"),
        ("approved", "ended_by = '{me}'", COLLEAGUE, "ended_at"),
        ("approved ended", "reviewed_by = '{me}', review = 'JUSTIFIED'", (ADMIN, 1), "reviewed_at"),
    ],
)
def test_what_is_done_to_one_is_done_at_that_moment(
    bases: Bases, before: str, changes: str, who: tuple[Role, int], column: str
) -> None:
    id, member = done(bases, before), bases.member(*who)
    with as_superuser(bases.admin, member.login, member.session):
        bases.admin.execute(LATER.format(changes=changes.format(me=member.person), id=id).encode())
    stamped = f"select {column} > now() + interval '0.3 s' from app.legal_bases where id = %s"
    assert bases.admin.execute(stamped.encode(), (id,)).fetchone() == (True,)


def test_a_court_order_is_not_approved_and_not_reviewed(bases: Bases) -> None:
    id = bases.put(ORDER)
    admin = bases.member(ADMIN)
    assert bases.change(id, "approved_by = me", by=admin) == "ck_legal_bases_approved"
    assert bases.change(id, "ended_by = me", by=bases.member(MANAGER)) is None
    assert bases.change(id, "reviewed_by = me, review = 'JUSTIFIED'", by=admin) == "ck_legal_bases_reviewed"


@pytest.mark.parametrize("before", ["approved ended", "approved over"])
def test_an_administrator_who_had_no_part_in_it_reviews_what_has_ended(bases: Bases, before: str) -> None:
    id, review = done(bases, before), "reviewed_by = me, review = 'UNJUSTIFIED'"
    assert bases.change(id, review, by=bases.member(MANAGER, 2)) == REFUSED
    assert bases.change(id, review, by=bases.member(ADMIN)) is None


def test_who_has_approved_or_recorded_it_does_not_review_it(bases: Bases) -> None:
    admin = bases.member(ADMIN)
    for column in ("approved_by", "created_by"):
        id = done(bases, "approved ended")
        bases.admin.execute(
            f"update app.legal_bases set {column} = %s where id = %s".encode(), (admin.person, id)
        )
        tried = bases.change(id, "reviewed_by = me, review = 'JUSTIFIED'", by=admin)
        assert tried == "ck_legal_bases_reviewed"


@pytest.mark.parametrize(
    "change",
    [
        "valid_until = valid_until + interval '1 hour'",
        "scopes = array['CONTACT_SAFE']",
        "created_at = now()",
        "created_by = gen_random_uuid()",
        "kind = 'COURT_ORDER'",
        "reference = 'WP 1'",
        "recipient_id = survivor_id",
        "purpose = 'TRACING'",
        "survivor_id = recipient_id",
        "approved_at = now()",
        "ended_at = null",
        "reviewed_at = now()",
    ],
)
@pytest.mark.parametrize("who", [(MANAGER, 1), (MANAGER, 2), (ADMIN, 1)])
def test_nobody_changes_what_it_allows_or_when_something_was_done(
    bases: Bases, change: str, who: tuple[Role, int]
) -> None:
    assert bases.change(done(bases, "approved ended"), change, by=bases.member(*who)) == REFUSED


@pytest.mark.parametrize("role", [Role.SOCIAL_WORKER, Role.SURVIVOR, Role.LEGAL_AID])
def test_who_may_see_one_takes_no_step_and_reads_no_reason(bases: Bases, role: Role) -> None:
    id, who = done(bases, ""), bases.member(role)
    for step in ("approved_by = me", "ended_by = me", "reviewed_by = me, review = 'JUSTIFIED'"):
        assert bases.change(id, step, by=who) == REFUSED
    with as_superuser(bases.admin, who.login, who.session):
        found = bases.admin.execute("select kind from app.legal_bases where id = %s", (id,)).fetchall()
        assert found == [("VITAL_INTEREST",)]
        assert bases._run("select reason from app.legal_basis_reasons") == REFUSED


@pytest.mark.parametrize(
    ("values", "by"),
    [
        ({}, None),
        ({"survivor_id": named("cbo-a", "survivors", "ours")}, "23503"),
        ({"recipient_id": named("organisation", "delhi")}, "23503"),
        ({"purpose": "SHELTER"}, "23503"),
    ],
)
def test_a_referral_names_a_basis_of_hers_for_its_receiver_and_its_need_alone(
    bases: Bases, values: dict[str, Any], by: str | None
) -> None:
    id, me = bases.put(ORDER, reason=False, **values), bases.member(MANAGER)
    referral = named("cbo-a", "referrals", "hers")
    with as_superuser(bases.admin, me.login, me.session):
        both = f"update app.referrals set basis_id = '{id}' where id = '{referral}'"
        assert bases._run(both) == "ck_referrals_ground"
        moved = f"update app.referrals set consent_id = null, basis_id = '{id}' where id = '{referral}'"
        assert bases._run(moved) == by

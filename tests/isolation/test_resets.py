"""New passwords in the database: which links are forgotten, and that a function alone says which is good."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.isolation.test_pins import all_ended, changes, put_ways_in, ways_in
from tests.isolation.test_sign_in_login import ask, events
from tests.support.issuing import put_membership
from tests.support.people import KINDS, Member
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    """A superuser's transaction that is never committed."""
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute("delete from sec.resets")
        wall.admin.execute(
            "insert into sec.secrets (person_id, kind, hash) select id, 'PASSWORD', 'hash' from sec.people"
            " on conflict do nothing"
        )
        yield wall.admin


def put(admin: Connection, label: str, *, until: str = "30 minutes", person: object = None) -> None:
    admin.execute(
        "insert into sec.resets (key, token_hash, person_id, replaces, expires_at)"
        " select %(label)s::bytea, %(label)s::bytea, %(person)s,"
        " (select sha256(convert_to(s.hash, 'UTF8')) from sec.secrets s where s.person_id = %(person)s and s.kind = 'PASSWORD'),"
        " now() + %(until)s::interval",
        {"label": label, "person": person, "until": until},
    )


def test_links_are_forgotten_a_day_after_they_are_over_a_thousand_at_a_time(admin: Connection) -> None:
    put(admin, "good")
    put(admin, "over", until="-23 hours")
    for number in range(1_001):
        put(admin, f"old {number}", until="-25 hours")
    for left in (3, 2, 2):
        with as_superuser(admin, SIGN_IN, None):
            admin.execute("select sec.forget_resets()")
        assert ask(admin, "select count(*) from sec.resets") == left


def test_a_link_of_nobody_is_none_and_changes_nothing(wall: Wall, admin: Connection) -> None:
    person = wall.member("cbo-a", Role.CASE_MANAGER).person
    put(admin, "nobodys")
    put(admin, "hers", person=person)
    before = ask(admin, "select hash from sec.secrets where person_id = %s and kind = 'PASSWORD'", person)
    with as_superuser(admin, SIGN_IN, None):
        for token in ("nobodys", "unknown"):
            assert admin.execute("select * from sec.find_reset(%s::bytea)", (token,)).fetchall() == []
            assert ask(admin, "select sec.reset_password(%s::bytea, 'another', 1::smallint)", token) is None
        assert ask(admin, "select person_id from sec.find_reset('hers')") == person
    assert (
        ask(admin, "select hash from sec.secrets where person_id = %s and kind = 'PASSWORD'", person)
        == before
    )


def test_a_password_is_replaced_with_its_key_and_nobody_elses_is(wall: Wall, admin: Connection) -> None:
    person = wall.member("cbo-a", Role.CASE_MANAGER).person
    other = wall.member("cbo-a", Role.COUNSELLOR)
    put(admin, "hers", person=person)
    kept = "select hash, key from sec.secrets where person_id = %s and kind = 'PASSWORD'"
    elses = admin.execute(kept, (other.person,)).fetchall()
    with as_superuser(admin, SIGN_IN, None):
        assert ask(admin, "select sec.reset_password('hers', 'another', 7::smallint)")
        assert ask(admin, "select sec.reset_password('hers', 'a third', 7::smallint)") is None
    assert admin.execute(kept, (person,)).fetchall() == [("another", 7)]
    assert admin.execute(kept, (other.person,)).fetchall() == elses
    assert ask(admin, "select revoked_at is null from sec.sessions where id = %s", other.session)


@pytest.fixture
def hers(wall: Wall, admin: Connection) -> Member:
    """She has a link, and so have a colleague who asked before her and another who asked after."""
    member = wall.member("cbo-a", Role.CASE_MANAGER)
    for each, label in (
        (wall.member("cbo-a", Role.COUNSELLOR), "before"),
        (member, "hers"),
        (wall.member("cbo-a", Role.AUDITOR), "after"),
    ):
        put_ways_in(admin, each)
        put(admin, label, person=each.person)
    return member


def reset(admin: Connection, token: str = "hers") -> str | None:
    """Whose address it is whose password is another now; None for a link that is none."""
    with as_superuser(admin, SIGN_IN, None):
        email: str | None = ask(
            admin, "select sec.reset_password(%s::bytea, 'another', 7::smallint)", token.encode()
        )
    return email


def test_her_password_alone_is_another_by_her_link_and_all_that_was_open_of_hers_ends(
    wall: Wall, admin: Connection, hers: Member
) -> None:
    put_membership(admin, hers.person, wall.organisation("goa"), Role.AUDITOR)
    left = put_membership(admin, hers.person, wall.organisation("delhi"), Role.AUDITOR)
    admin.execute("update app.memberships set ended_at = now() where id = %s", (left,))
    before, now = ways_in(admin), ask(admin, "select to_jsonb(now())")
    told = {slug: len(events(admin, wall.organisation(slug))) for slug in KINDS}
    email = ask(admin, "select email from sec.people where id = %s", hers.person)
    assert reset(admin) == email
    assert changes(admin, before) == {
        ("sec.resets", "hers"): {"used_at": now},
        ("sec.secrets", f"{hers.person} PASSWORD"): {"hash": "another", "key": 7, "changed_at": now},
        **all_ended(admin, hers, "password reset"),
    }
    said = {slug: events(admin, wall.organisation(slug))[number:] for slug, number in told.items()}
    # Where she is a member, and nowhere that she has left or never was.
    mine: tuple[object, ...] = (SIGN_IN, hers.person, "password.reset", [hers.person], {})
    assert {slug: [event[2] for event in each] for slug, each in said.items() if each} == {
        "cbo-a": ["password.reset", "session.revoked"],
        "goa": ["password.reset"],
    }
    assert said["cbo-a"][0] == said["goa"][0] == mine


NO_LINK = {
    "it was used": "update sec.resets set used_at = 'epoch' where key = 'hers'",
    "it has expired": "update sec.resets set expires_at = now() where key = 'hers'",
    "she is disabled": "update sec.people set disabled_at = now() where id = %(person)s",
    "she has another password by now": (
        "update sec.secrets set hash = 'changed since' where person_id = %(person)s and kind = 'PASSWORD'"
    ),
    "a colleague's is by now what hers was": (
        "update sec.secrets set hash = case person_id when %(person)s then 'changed since' else %(hash)s end"
        " where kind = 'PASSWORD' and person_id in (%(person)s, %(colleague)s)"
    ),
    "her PIN is by now what it was": (
        "update sec.secrets set hash = case kind when 'PIN' then %(hash)s else 'changed since' end"
        " where person_id = %(person)s and kind in ('PIN', 'PASSWORD')"
    ),
}


@pytest.mark.parametrize("reason", NO_LINK)
def test_her_link_is_none_and_changes_nothing_when(
    wall: Wall, admin: Connection, hers: Member, reason: str
) -> None:
    kept = "select hash from sec.secrets where person_id = %s and kind = 'PASSWORD'"
    known = {
        "person": hers.person,
        "colleague": wall.member("cbo-a", Role.COUNSELLOR).person,
        "hash": ask(admin, kept, hers.person),
    }
    admin.execute(NO_LINK[reason].encode(), known)
    before = ways_in(admin)
    with as_superuser(admin, SIGN_IN, None):
        assert admin.execute("select * from sec.find_reset('hers')").fetchall() == []
    assert reset(admin) is None
    assert changes(admin, before) == {}


def test_whose_password_is_reset_is_held_meanwhile_and_nobody_else_is(
    wall: Wall, admin: Connection, hers: Member
) -> None:
    assert reset(admin)
    everybody = {person for (person,) in admin.execute("select id from sec.people").fetchall()}
    with psycopg.connect(wall.url, autocommit=True) as meanwhile:
        free = meanwhile.execute("select id from sec.people for no key update skip locked").fetchall()
    assert {person for (person,) in free} == everybody - {hers.person}

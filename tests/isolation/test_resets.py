"""New passwords in the database: which links are forgotten, and that a function alone says which is good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.isolation.test_sign_in_login import ask
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

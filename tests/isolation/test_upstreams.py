"""Whom an organisation's own provider means: what the functions refuse that say so, one reason at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.isolation.test_sign_in_login import ask, events
from tests.support.issuing import put_person
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN

LINK, UNLINK = "select sec.link_upstream(%s, %s, %s)", "select sec.unlink_upstream(%s, %s)"


@pytest.fixture
def admin(wall: Wall) -> Iterator[Connection]:
    """A superuser's transaction that is never committed."""
    with wall.admin.transaction(force_rollback=True):
        yield wall.admin


@pytest.fixture
def member(wall: Wall) -> Member:
    return wall.member("cbo-a", Role.CASE_MANAGER)


@pytest.fixture
def upstream(wall: Wall, admin: Connection) -> UUID:
    return put_upstream(admin, wall.organisation("cbo-a"))


def put_upstream(admin: Connection, organisation: UUID) -> UUID:
    made: UUID = ask(
        admin,
        "insert into sec.upstreams (organisation_id, name, issuer, client_id)"
        " values (%s, 'Our own', 'https://login.example', 'pat') returning id",
        organisation,
    )
    return made


def put_link(admin: Connection, upstream: UUID, subject: str, person: UUID) -> None:
    admin.execute(
        "insert into sec.upstream_identities (upstream_id, subject, person_id) values (%s, %s, %s)",
        (upstream, subject, person),
    )


def called(admin: Connection, statement: str, *values: Any) -> Any:
    """What the login of signing in is answered."""
    with as_superuser(admin, SIGN_IN, None):
        return ask(admin, statement, *values)


def meant(admin: Connection, upstream: UUID) -> dict[str, UUID]:
    """Whom it means, by subject."""
    rows = admin.execute(
        "select subject, person_id from sec.upstream_identities where upstream_id = %s and ended_at is null",
        (upstream,),
    )
    return dict(rows.fetchall())


def test_she_is_meant_and_the_trail_says_so(admin: Connection, member: Member, upstream: UUID) -> None:
    assert called(admin, LINK, upstream, "asha", member.person) is True
    assert meant(admin, upstream) == {"asha": member.person}
    assert events(admin, member.organisation)[-1] == (
        *(SIGN_IN, member.person, "upstream.linked", [member.person]),
        {"upstream": str(upstream)},
    )


REFUSALS = {
    "she is disabled": "update sec.people set disabled_at = now() where id = %(person)s",
    "the provider is disabled": "update sec.upstreams set disabled_at = now() where id = %(upstream)s",
    "she has left its organisation": "update app.memberships set ended_at = now() where id = %(membership)s",
    "its organisation is another": "update sec.upstreams set organisation_id = %(other)s where id = %(upstream)s",
    "the membership is another's": "update app.memberships set person_id = gen_random_uuid() where id = %(membership)s",
    "it means somebody else": (
        "insert into sec.upstream_identities (upstream_id, subject, person_id) values (%(upstream)s, 'asha', %(somebody)s)"
    ),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_she_is_not_meant_when(
    wall: Wall, admin: Connection, member: Member, upstream: UUID, reason: str
) -> None:
    known = {
        "person": member.person,
        "membership": member.membership,
        "upstream": upstream,
        "other": wall.organisation("cbo-b"),
        "somebody": put_person(admin, "somebody@cbo-a.example"),
    }
    assert admin.execute(REFUSALS[reason].encode(), known).rowcount == 1
    before = meant(admin, upstream), events(admin, member.organisation)
    assert called(admin, LINK, upstream, "asha", member.person) is False
    assert (meant(admin, upstream), events(admin, member.organisation)) == before


def test_nobody_and_nothing_is_not_meant(admin: Connection, member: Member, upstream: UUID) -> None:
    assert called(admin, LINK, uuid4(), "asha", member.person) is False
    assert called(admin, LINK, upstream, "asha", uuid4()) is False


def test_somebody_else_is_meant_once_it_was_taken_back(
    admin: Connection, member: Member, upstream: UUID
) -> None:
    put_link(admin, upstream, "asha", put_person(admin, "somebody@cbo-a.example"))
    admin.execute(
        "update sec.upstream_identities set ended_at = now(), linked_at = 'epoch' where upstream_id = %s",
        (upstream,),
    )
    assert called(admin, LINK, upstream, "asha", member.person) is True
    assert meant(admin, upstream) == {"asha": member.person}
    assert ask(
        admin, "select linked_at > 'epoch' from sec.upstream_identities where upstream_id = %s", upstream
    )
    # Once more changes nothing.
    assert called(admin, LINK, upstream, "asha", member.person) is True
    assert meant(admin, upstream) == {"asha": member.person}


def test_it_means_her_by_one_subject_and_others_by_theirs(
    wall: Wall, admin: Connection, member: Member, upstream: UUID
) -> None:
    somebody = put_person(admin, "somebody@cbo-a.example")
    another = put_upstream(admin, wall.organisation("cbo-a"))
    put_link(admin, upstream, "before", member.person)
    put_link(admin, upstream, "bela", somebody)
    put_link(admin, another, "before", member.person)
    put_link(admin, upstream, "long before", member.person)
    admin.execute("update sec.upstream_identities set ended_at = 'epoch' where subject = 'long before'")
    assert called(admin, LINK, upstream, "asha", member.person) is True
    assert meant(admin, upstream) == {"asha": member.person, "bela": somebody}
    assert meant(admin, another) == {"before": member.person}
    assert ask(admin, "select ended_at = 'epoch' from sec.upstream_identities where subject = 'long before'")


def test_she_takes_it_back_for_herself_and_one_provider(
    wall: Wall, admin: Connection, member: Member, upstream: UUID
) -> None:
    somebody = put_person(admin, "somebody@cbo-a.example")
    another = put_upstream(admin, wall.organisation("cbo-b"))
    put_link(admin, upstream, "asha", member.person)
    put_link(admin, upstream, "bela", somebody)
    put_link(admin, another, "asha", member.person)
    before = events(admin, member.organisation), events(admin, wall.organisation("cbo-b"))
    assert called(admin, UNLINK, upstream, member.person) is True
    assert (meant(admin, upstream), meant(admin, another)) == ({"bela": somebody}, {"asha": member.person})
    last = (SIGN_IN, member.person, "upstream.unlinked", [member.person], {"upstream": str(upstream)})
    # Its own organisation alone is told, and once.
    after = [*before[0], last], before[1]
    assert (events(admin, member.organisation), events(admin, wall.organisation("cbo-b"))) == after
    assert called(admin, UNLINK, upstream, member.person) is False
    assert called(admin, UNLINK, uuid4(), member.person) is False
    assert (events(admin, member.organisation), events(admin, wall.organisation("cbo-b"))) == after

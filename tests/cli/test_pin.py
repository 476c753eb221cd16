"""The link for a PIN, from the command line."""

from __future__ import annotations

import re
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from tests.cli.conftest import Pat, rows
from tests.cli.test_person import add, events, organisation

CODE = "K7Q2M9"
PIN = ["pin", CODE, "--organisation", "cbo-a", "--name", "Kestrel"]
LINK = re.compile(r"http://127\.0\.0\.1:8000/sign-in/start\?token=([A-Za-z0-9_-]{43})\n")


@pytest.fixture
def network(own: Pat, migrated: str) -> Pat:
    add(own, "cbo-a", "cbo")
    rows(
        migrated,
        "insert into app.survivors (organisation_id, id, code, gender, is_minor_at_intake, created_by)"
        " values (%s, %s, %s, 'Feminine', false, %s)",
        *(organisation(migrated, "cbo-a"), uuid4(), CODE, uuid4()),
    )
    return own


def made(pat: Pat) -> bytes:
    """What the database keeps of the link."""
    done = pat(*PIN)
    assert done.exit_code == 0, done.output
    link = LINK.fullmatch(done.stdout)
    assert link, done.stdout
    return sha256(link[1].encode()).digest()


def holder(url: str, token: bytes) -> UUID | None:
    found = rows(
        url,
        "select p.id from sec.people p join app.memberships m on m.person_id = p.id join app.survivors s"
        " on s.id = m.survivor_id where p.link_hash = %s and p.link_until > now() and m.role = 'survivor' and s.code = %s",
        *(token, CODE),
    )
    return UUID(str(found[0][0])) if found else None


def test_a_record_is_given_a_person_once_and_a_link_each_time(network: Pat, migrated: str) -> None:
    first, second = made(network), made(network)
    person = holder(migrated, second)
    assert person is not None
    assert holder(migrated, first) is None
    assert rows(migrated, "select count(*) from app.memberships") == [(1,)]
    ((survivor,),) = rows(migrated, "select id from app.survivors")
    assert events(migrated, "cbo-a") == 2 * [
        ("member.invited", None, [person, survivor], {"role": "survivor"})
    ]
    assert "intact" in network("audit", "verify").output


def test_what_is_not_there_has_no_link(network: Pat, migrated: str) -> None:
    for arguments, said in (
        (["pin", "nobody", *PIN[2:]], "no record nobody"),
        ([*PIN[:3], "cbo-z", *PIN[4:]], "no organisation cbo-z"),
        ([*PIN[:5], " "], "The name is empty"),
    ):
        done = network(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert said in done.stderr
    made(network)
    rows(migrated, "update sec.people set disabled_at = now()")
    done = network(*PIN)
    assert done.exit_code == 1
    assert "She was disabled" in done.stderr


def test_where_no_survivor_signs_in_none_has_a_link(network: Pat, migrated: str) -> None:
    rows(migrated, "delete from sec.logins where role = 'survivor'")
    done = network(*PIN)
    assert done.exit_code == 1
    assert "Nobody signs in for herself" in done.stderr

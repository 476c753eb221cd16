"""Whether people can sign in, as the doctor sees it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.doctor.conftest import SECRET, Installation

from pat_auth.issuer.service import Secrets
from pat_auth.issuer.totp import new_secret, seal_secret

FACTOR = "insert into sec.second_factors (person_id, id, sealed, confirmed_at) values (%s, %s, %s, now())"


@pytest.fixture
def person(installation: Installation) -> Iterator[UUID]:
    made = uuid4()
    installation.run(f"insert into sec.people (id, email) values ('{made}', 'asha@cbo-a.example')")
    yield made
    for table, column in (
        ("sec.second_factors", "person_id"),
        ("app.memberships", "person_id"),
        ("sec.people", "id"),
    ):
        installation.run(f"delete from {table} where {column} = '{made}'")


def put_factor(installation: Installation, person: UUID, secret: bytes) -> None:
    factor = uuid4()
    with psycopg.connect(installation.url, autocommit=True) as admin:
        admin.execute(FACTOR, (person, factor, seal_secret(Secrets.of(secret), person, factor, new_secret())))


def test_nothing_is_said_where_nobody_signs_in_yet(installation: Installation) -> None:
    assert installation.said("people") == []


def test_second_factors_must_open_under_this_secret(installation: Installation, person: UUID) -> None:
    put_factor(installation, person, SECRET.encode())
    assert installation.said("people") == [
        ("ok", "What they prove themselves with was made under this secret.")
    ]
    put_factor(installation, person, b"another secret of the deployment, from before")
    ((level, sentence),) = installation.said("people")
    assert level == "problem"
    assert sentence.startswith("1 of 2 second factors were sealed under another PAT_SECRET")


def test_a_secretariat_needs_an_administrator(installation: Installation, person: UUID) -> None:
    home = uuid4()
    installation.run(
        f"insert into sec.logins (login, organisation_id, role) values ('org_{home.hex}_secretariat_admin', '{home}', 'secretariat_admin')"
    )
    try:
        ((level, sentence),) = installation.said("people")
        assert (level, "pat setup" in sentence) == ("warning", True)
        installation.run(
            "insert into app.memberships (organisation_id, id, person_id, role, name)"
            f" select id, '{uuid4()}', '{person}', 'secretariat_admin', 'Asha' from app.organisations limit 1"
        )
        assert installation.said("people") == []
        installation.run(f"update sec.people set disabled_at = now() where id = '{person}'")
        assert len(installation.said("people")) == 1
    finally:
        installation.run(f"delete from sec.logins where organisation_id = '{home}'")

"""What the demo's people sign in with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.demo.conftest import SECRET, Databases, Demo
from tests.support.proving import Clock, issuer_before

from pat_auth.issuer.hashing import Hashing
from pat_auth.issuer.methods import Method
from pat_auth.issuer.passwords import is_acceptable
from pat_auth.issuer.proving import has_second_factor, prove_password, prove_second
from pat_auth.issuer.service import Service
from pat_auth.issuer.totp import present_code
from pat_server.demo.credentials import demo_generator, demo_password
from pat_server.demo.owner import let_sign_in
from pat_server.demo.people import PEOPLE, STAFF, SURVIVORS

HOUSE = "192.0.2.1"


@pytest.fixture
def issuer(demo: Demo, tmp_path: Path) -> Iterator[Service]:
    made = issuer_before(demo.url, SECRET, tmp_path, hashing=Hashing(), clock=Clock())
    yield made
    made.connections.close()


def test_every_installation_has_a_password_and_codes_of_its_own() -> None:
    password = demo_password(SECRET)
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", password)
    assert is_acceptable(password) is None
    assert demo_password(b"another secret") != password
    generators = {demo_generator(SECRET, person.email) for person in PEOPLE}
    assert len(generators) == len(PEOPLE)
    assert demo_generator(b"another secret", STAFF[0].email) not in generators


def test_the_staff_sign_in_with_password_and_code(issuer: Service) -> None:
    for member in (STAFF[0], STAFF[-1]):
        found = prove_password(issuer, email=member.email, password=demo_password(SECRET), address=HOUSE)
        assert found == member.id
        code = present_code(demo_generator(SECRET, member.email), issuer.clock())
        assert prove_second(issuer, person=member.id, code=code, address=HOUSE) is Method.OTP


def test_survivors_sign_in_with_the_password_alone(issuer: Service) -> None:
    hers = SURVIVORS[0]
    assert prove_password(issuer, email=hers.email, password=demo_password(SECRET), address=HOUSE) == hers.id
    with issuer.connections.transaction() as connection:
        assert not has_second_factor(connection, hers.id)
        assert all(has_second_factor(connection, member.id) for member in STAFF)


def test_everybody_has_the_password_and_it_was_hashed_once(demo: Demo) -> None:
    kept = demo.rows("select count(*), count(distinct hash), min(kind), max(kind) from sec.secrets")
    assert kept == [(len(PEOPLE), 1, "PASSWORD", "PASSWORD")]


def test_a_network_that_is_older_gets_what_it_lacks(demo: Demo, databases: Databases) -> None:
    older = databases.copied(demo, "older")
    lacking = "select (select count(*) from sec.secrets), (select count(*) from app.clients)"
    before = older.rows(lacking)
    let_sign_in(older.url, SECRET)
    assert older.rows(lacking) == before
    for emptied in ("sec.secrets", "sec.second_factors"):
        older.rows(f"delete from {emptied} returning 1")
    let_sign_in(older.url, SECRET)
    assert older.rows(lacking) == before
    for emptied in ("sec.secrets", "sec.second_factors", "app.clients"):
        older.rows(f"delete from {emptied} returning 1")
    let_sign_in(older.url, SECRET)
    assert older.rows(lacking) == before

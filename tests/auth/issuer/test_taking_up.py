"""Taking up an invitation, where it can go wrong between two."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from tests.support.issuing import put_invitation
from tests.support.proving import PASSWORD, Proving

from pat_auth.issuer.methods import Method
from pat_auth.issuer.passwords import hash_password
from pat_auth.issuer.standing import Standing
from pat_auth.issuer.taking_up import (
    Chosen,
    Joined,
    begin_second,
    enrol,
    find_invitation,
    new_token,
    take_up,
)
from pat_auth.issuer.totp import new_secret, present_code
from pat_auth.policy import Role


@pytest.fixture
def token(proving: Proving) -> Iterator[str]:
    """The token of an invitation that really stands; it and what came of it are taken out again."""
    made = new_token()
    admin, organisation = proving.wall.admin, proving.wall.organisation("delhi")
    email = f"{uuid4()}@delhi.example"
    put_invitation(admin, organisation, email, Role.DESTINATION_WORKER, token=made.encode())
    yield made
    proving.people += [
        row[0] for row in admin.execute("select id from sec.people where email = %s", (email,))
    ]
    admin.execute("delete from app.memberships where person_id = any(%s)", (proving.people,))
    admin.execute("delete from app.invitations where organisation_id = %s", (organisation,))


def standing(proving: Proving, person: UUID) -> Standing:
    now = proving.clock()
    return Standing(person, uuid4(), now - timedelta(minutes=1), None, frozenset({Method.PASSWORD}))


def test_of_two_who_take_it_up_at_once_one_is_made(proving: Proving, token: str) -> None:
    service, together = proving.service, Barrier(2)
    hashed = hash_password(service, PASSWORD)

    def one(_: int) -> Joined | None:
        chosen = Chosen(new_secret(), hashed)
        code = present_code(chosen.secret, proving.clock())
        with service.connections.transaction() as connection:
            together.wait()
            return enrol(connection, service, token, chosen, code)

    with ThreadPoolExecutor(2) as threads:
        joined = [each for each in threads.map(one, range(2)) if each is not None]
    assert len(joined) == 1
    rows = proving.wall.admin.execute(
        "select id from app.memberships where organisation_id = %s and role = 'destination_worker' and name = 'New'",
        (proving.wall.organisation("delhi"),),
    ).fetchall()
    assert rows == [(joined[0].membership,)]


def test_a_wrong_code_makes_nobody_and_spends_nothing(proving: Proving, token: str) -> None:
    service = proving.service
    chosen = Chosen(new_secret(), hash_password(service, PASSWORD))
    with service.connections.transaction() as connection:
        assert enrol(connection, service, token, chosen, "") is None
        assert find_invitation(connection, token) is not None


def test_nobody_takes_up_what_was_sent_to_somebody_else(proving: Proving, token: str) -> None:
    service, somebody = proving.service, proving.put()
    stands = standing(proving, somebody.id)
    chosen = Chosen(new_secret())
    code = present_code(chosen.secret, proving.clock())
    proving.wall.admin.execute("delete from sec.second_factors where person_id = %s", (somebody.id,))
    with service.connections.transaction() as connection:
        assert take_up(connection, token, stands) is None
        assert begin_second(connection, service, token, stands, chosen, code) is None
        assert begin_second(connection, service, token, stands, chosen, "") is None
        assert find_invitation(connection, token) is not None


def test_nobody_gets_a_second_generator_by_an_invitation(proving: Proving, token: str) -> None:
    service, somebody = proving.service, proving.put()
    chosen = Chosen(new_secret())
    code = present_code(chosen.secret, proving.clock())
    proving.wall.admin.execute("update app.invitations set email = %s where name = 'New'", (somebody.email,))
    with service.connections.transaction() as connection:
        assert begin_second(connection, service, token, standing(proving, somebody.id), chosen, code) is None
        assert find_invitation(connection, token) is not None


def test_it_prints_no_secret(proving: Proving, token: str) -> None:
    with proving.service.connections.transaction() as connection:
        invited = find_invitation(connection, token)
    assert invited is not None
    assert invited.email not in repr(invited)
    assert "secret" not in repr(Chosen("secret", "hashed"))
    assert "AAAA" not in repr(Joined(uuid4(), ("AAAA",)))

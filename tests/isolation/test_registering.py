"""Who registers programs of an organisation makes none that serves the whole network, and none of those believe a key of hers."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb
from tests.support.issuing import put_client
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.clients.models import Serves
from pat_auth.policy import Role

REFUSED = "42501"
ADMINISTRATORS = [
    ("cbo-a", Role.ORGANISATION_ADMIN),
    ("secretariat", Role.SECRETARIAT_ADMIN),
    ("goa", Role.DESTINATION_ADMIN),
]
REGISTERED = (
    "insert into app.clients (organisation_id, name, kind, serves, redirect_uris, logout_uris, origins, scopes,"
    " created_by, updated_by) values (%s, 'A program', 'PUBLIC', %s, '{}', '{}', '{}', '{}', %s, %s)"
)
BELIEVED = "insert into app.client_keys (organisation_id, client_id, kid, jwk, created_by) values (%s, %s, %s, %s, %s)"


@pytest.fixture(params=ADMINISTRATORS, ids=lambda each: each[0])
def me(wall: Wall, request: pytest.FixtureRequest) -> Member:
    return wall.member(*request.param)


def tried(admin: Connection, me: Member, statement: str, *values: object) -> object:
    with as_superuser(admin, me.login, me.session):
        return attempt(admin, statement, values)


def test_a_program_serves_its_organisation_alone(admin: Connection, me: Member) -> None:
    """Nor does it on the day on which she is given the column that says so."""
    values = (me.organisation, Serves.NETWORK.value, me.person, me.person)
    assert tried(admin, me, REGISTERED, *values) == REFUSED
    admin.execute(f"grant insert (serves) on app.clients to pat_{me.role.value}".encode())
    assert tried(admin, me, REGISTERED, *values) == REFUSED
    values = (me.organisation, Serves.ORGANISATION.value, me.person, me.person)
    assert tried(admin, me, REGISTERED, *values) == [(1,)]


@pytest.mark.parametrize(("serves", "found"), [(Serves.ORGANISATION, [(1,)]), (Serves.NETWORK, REFUSED)])
def test_no_program_of_the_network_is_changed_by_her(
    admin: Connection, me: Member, serves: Serves, found: object
) -> None:
    client = put_client(admin, me.organisation, serves=serves)
    statement = "update app.clients set name = 'Another', updated_by = %s where id = %s"
    assert tried(admin, me, statement, me.person, client) == found


@pytest.mark.parametrize(("serves", "found"), [(Serves.ORGANISATION, [(1,)]), (Serves.NETWORK, REFUSED)])
def test_a_program_of_the_network_believes_no_key_of_hers(
    admin: Connection, me: Member, serves: Serves, found: object
) -> None:
    client = put_client(admin, me.organisation, serves=serves)
    values = (me.organisation, client, str(uuid4()), Jsonb({"kty": "EC"}), me.person)
    assert tried(admin, me, BELIEVED, *values) == found


@pytest.mark.parametrize(("serves", "found"), [(Serves.ORGANISATION, [(1,)]), (Serves.NETWORK, REFUSED)])
def test_no_key_of_a_program_of_the_network_is_retired_by_her(
    admin: Connection, me: Member, serves: Serves, found: object
) -> None:
    client = put_client(admin, me.organisation, serves=serves, keys=[{"kid": "hers", "kty": "EC"}])
    statement = "update app.client_keys set retired_at = now() where client_id = %s"
    assert tried(admin, me, statement, client) == found

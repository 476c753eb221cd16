"""What has ended stays so, whatever the SQL of those who may end it says: for the day on which a mistake of ours lets them say it."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.support.issuing import put_client, put_invitation
from tests.support.people import Member
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role

NONE, REFUSED = [(0,)], "42501"


@pytest.fixture(params=(Role.ORGANISATION_ADMIN, Role.DESTINATION_ADMIN, Role.SECRETARIAT_ADMIN))
def me(wall: Wall, request: pytest.FixtureRequest) -> Member:
    """An administrator of each kind: the wall's CBOs have them all."""
    return wall.member("cbo-a", request.param)


def changed(admin: Connection, me: Member, statement: str, id: UUID) -> object:
    with as_superuser(admin, me.login, me.session):
        return attempt(admin, statement, (id,))


def test_a_program_that_was_disabled_is_neither_enabled_nor_changed(admin: Connection, me: Member) -> None:
    client = put_client(admin, me.organisation)
    stamp = f"updated_by = '{me.person}'"
    assert changed(
        admin, me, f"update app.clients set disabled_at = now(), {stamp} where id = %s", client
    ) == [(1,)]
    for change in ("disabled_at = null", "name = 'Another'", "origins = '{https://evil.example}'"):
        statement = f"update app.clients set {change}, {stamp} where id = %s"
        assert changed(admin, me, statement, client) == NONE


def test_a_key_that_was_retired_is_not_believed_again(wall: Wall, admin: Connection, me: Member) -> None:
    key = wall.id("app.client_keys", "cbo-a", "hers")
    assert changed(admin, me, "update app.client_keys set retired_at = now() where id = %s", key) == [(1,)]
    assert changed(admin, me, "update app.client_keys set retired_at = null where id = %s", key) == NONE


@pytest.mark.parametrize("over", ["withdrawn_at", "taken_up_at"])
def test_an_invitation_that_is_over_is_not_open_again(admin: Connection, me: Member, over: str) -> None:
    invitation = put_invitation(admin, me.organisation, "x@example.org", Role.COUNSELLOR)
    admin.execute(f"update app.invitations set {over} = now() where id = %s".encode(), (invitation,))
    statement = "update app.invitations set withdrawn_at = null where id = %s"
    assert changed(admin, me, statement, invitation) == NONE


def test_who_was_taken_off_a_case_is_not_on_it_again(wall: Wall, admin: Connection) -> None:
    manager = wall.member("cbo-a", Role.CASE_MANAGER)
    row = admin.execute(
        "select id from app.case_assignments where organisation_id = %s and ended_at is not null limit 1",
        (manager.organisation,),
    ).fetchone()
    assert row is not None
    statement = "update app.case_assignments set ended_at = null where id = %s"
    assert changed(admin, manager, statement, row[0]) == NONE


@pytest.mark.parametrize(
    "change", ["ended_at = null", "ended_at = now()", "role = 'organisation_admin'", "name = 'x'"]
)
def test_a_membership_is_changed_by_functions_alone(
    wall: Wall, admin: Connection, me: Member, change: str
) -> None:
    """Its end without that of its sessions, or of the last administrator, or unrecorded, is nobody's to write."""
    worker = wall.member("cbo-a", Role.SOCIAL_WORKER)
    statement = f"update app.memberships set {change} where id = %s"
    assert changed(admin, me, statement, worker.membership) == REFUSED

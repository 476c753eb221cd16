"""Nobody but she herself agrees in the app: what others put down as hers says that it was they who did."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.support.wall import Connection, Wall, as_superuser, attempt

from pat_auth.policy import Role

REFUSED = "42501"
COPY = (
    "insert into app.consents (organisation_id, id, survivor_id, recipient_id, purpose, scopes, giver, mode, notice_version,"
    " notice_language, agreed, evidence, valid_until, created_by)"
    " select organisation_id, %s, survivor_id, recipient_id, purpose, scopes, 'SELF', %s, notice_version,"
    " notice_language, agreed, %s, valid_until, %s from app.consents where id = %s"
)


@pytest.mark.parametrize(
    ("role", "whose"),
    [(Role.CASE_MANAGER, "hers"), (Role.CASE_MANAGER, "ours"), (Role.SOCIAL_WORKER, "hers")],
)
def test_nobody_agrees_in_the_app_for_her(wall: Wall, admin: Connection, role: Role, whose: str) -> None:
    """On the login of who may record what she said: by thumbprint it is recorded, as said in the app it is not."""
    me, consent = wall.member("cbo-a", role), wall.id("app.consents", "cbo-a", whose)
    told = {}
    with as_superuser(admin, me.login, me.session):
        for mode, evidence in (("APP", None), ("THUMBPRINT", "R 1")):
            told[mode] = attempt(admin, COPY, (uuid4(), mode, evidence, me.person, consent))
    assert told == {"APP": REFUSED, "THUMBPRINT": [(1,)]}


@pytest.mark.parametrize(
    ("giver", "mode", "evidence", "becomes"),
    [
        ("SELF", "APP", None, [(1,)]),
        ("GUARDIAN", "APP", None, REFUSED),
        ("SELF", "THUMBPRINT", "R 1", REFUSED),
    ],
)
def test_in_the_app_she_agrees_for_herself_and_says_nothing_else(
    wall: Wall, admin: Connection, giver: str, mode: str, evidence: str | None, becomes: object
) -> None:
    """Also where nothing keeps these two together but who she is."""
    me, consent = wall.member("cbo-a", Role.SURVIVOR), wall.id("app.consents", "cbo-a", "hers")
    admin.execute("alter table app.consents drop constraint ck_consents_signed_in")
    with as_superuser(admin, me.login, me.session):
        said = COPY.replace("'SELF'", f"'{giver}'")
        assert attempt(admin, said, (uuid4(), mode, evidence, me.person, consent)) == becomes

"""What the owner of the referral door may read of what a referral stands on: the caller's, and what names her organisation."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.isolation.lines import read
from tests.support.wall import Wall, careless_view, insert

from pat_auth.policy import Role

DOOR = "pat_door_referral"


@pytest.mark.parametrize(
    ("table", "other"),
    [("app.agreements", "partner_id"), ("app.consents", "recipient_id"), ("app.legal_bases", "recipient_id")],
)
def test_the_doors_owner_reads_what_either_side_has_signed_and_nothing_between_others(
    wall: Wall, table: str, other: str
) -> None:
    sides = f"select organisation_id, {other} from"
    with wall.admin.transaction(force_rollback=True):
        theirs = wall.rows["app.legal_bases"]["cbo-b"]["hers"]
        between_others = {"id": uuid4(), "recipient_id": wall.organisation("delhi")}
        insert(wall.admin, "app.legal_bases", {**theirs, **between_others})
        every = wall.admin.execute(f"{sides} {table}".encode()).fetchall()
        careless_view(wall, DOOR, table)
        for slug, role in (("cbo-a", Role.CASE_MANAGER), ("goa", Role.DESTINATION_WORKER)):
            ours = {pair for pair in every if wall.organisation(slug) in pair}
            assert ours < set(every)
            assert set(read(wall, slug, role, f"{sides} door.careless")) == ours


def test_the_doors_owner_reads_what_was_withdrawn_of_the_callers_and_of_what_it_was_to_receive(
    wall: Wall,
) -> None:
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
            " select organisation_id, id, survivor_id, created_by from app.consents on conflict do nothing"
        )
        every = wall.admin.execute("select organisation_id, recipient_id, id from app.consents").fetchall()
        careless_view(wall, DOOR, "app.consent_withdrawals")
        for slug, role in (("cbo-a", Role.CASE_MANAGER), ("goa", Role.DESTINATION_WORKER)):
            ours = {row for row in every if wall.organisation(slug) in row[:2]}
            assert ours < set(every)
            withdrawn = read(wall, slug, role, "select organisation_id, consent_id from door.careless")
            assert set(withdrawn) == {(sender, consent) for sender, _, consent in ours}


def test_what_was_withdrawn_is_of_that_consent_and_not_of_one_that_another_organisation_calls_the_same(
    wall: Wall,
) -> None:
    """Also where the door's owner could read every consent there is."""
    withdrawn = wall.rows["app.consents"]["cbo-a"]["exchanged"]
    alike = {**wall.rows["app.consents"]["cbo-b"]["hers"], "id": withdrawn["id"]}
    goa = "select organisation_id, consent_id from door.careless"
    with wall.admin.transaction(force_rollback=True):
        insert(wall.admin, "app.consents", alike)
        known = ("organisation_id", "survivor_id", "created_by")
        row = {**{name: withdrawn[name] for name in known}, "consent_id": withdrawn["id"]}
        insert(wall.admin, "app.consent_withdrawals", row)
        careless_view(wall, DOOR, "app.consent_withdrawals")
        pair = (wall.organisation("cbo-a"), withdrawn["id"])
        for opened in (False, True):
            if opened:
                wall.admin.execute(f"alter policy {DOOR} on app.consents using (true)".encode())
            assert pair not in read(wall, "goa", Role.DESTINATION_WORKER, goa)
            assert pair not in read(wall, "delhi", Role.DESTINATION_WORKER, goa)
            assert pair in read(wall, "cbo-b", Role.CASE_MANAGER, goa)
            assert pair in read(wall, "cbo-a", Role.CASE_MANAGER, goa)
        insert(
            wall.admin,
            "app.consent_withdrawals",
            {**{name: alike[name] for name in known}, "consent_id": alike["id"]},
        )
        assert (wall.organisation("cbo-b"), alike["id"]) in read(wall, "goa", Role.DESTINATION_WORKER, goa)

"""Which steps the owner of the referral door reads: of what was sent to the caller, and of nothing that is only called the same."""

from __future__ import annotations

from uuid import uuid4

from tests.isolation.lines import read
from tests.support.people import named
from tests.support.wall import Connection, Wall, careless_view, insert

from pat_auth.policy import Role
from pat_tenants.isolation.doors import REFERRAL


def test_a_step_is_read_by_its_receiver_not_by_its_sender_nor_by_whoever_received_one_of_the_same_name(
    wall: Wall, admin: Connection
) -> None:
    sender, exchanged = named("organisation", "cbo-a"), named("cbo-a", "referrals", "exchanged")
    alike = {**wall.rows["app.referrals"]["cbo-b"]["hers"], "id": exchanged, "received_id": uuid4()}
    insert(admin, "app.referrals", alike)
    careless_view(wall, REFERRAL.owner, "app.referral_steps")
    step = (sender, exchanged)
    for slug, is_read in (("cbo-b", True), ("goa", False), ("cbo-a", False)):
        seen = "select organisation_id, referral_id from door.careless"
        assert (step in read(wall, slug, Role.DESTINATION_WORKER, seen)) is is_read, slug

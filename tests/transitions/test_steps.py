"""The one table of steps: what it says, and that the database has the same."""

from tests.support.wall import Wall

from pat_auth.policy import Permission
from pat_tenants.referrals.models import Answer, ReferralStatus, SenderState
from pat_tenants.transitions import steps


def test_the_database_has_the_same_steps(wall: Wall) -> None:
    known = "select noun, from_state, to_state, permission, guard, roles from app.transitions"
    stored = {(*row[:5], tuple(row[5])) for row in wall.admin.execute(known.encode()).fetchall()}
    assert stored == set(steps.rows())


def test_no_step_leads_to_what_is_derived_or_out_of_an_end() -> None:
    assert not [step for step in steps.STEPS if step.after is ReferralStatus.EXPIRED]
    assert not [step for step in steps.STEPS if step.before is ReferralStatus.CLOSED]
    # What reads as revoked may follow from a withdrawal: it leads to what is shut alone.
    out = {step.after for step in steps.STEPS if step.before is ReferralStatus.REVOKED}
    assert out == {ReferralStatus.SUSPENDED, ReferralStatus.REVOKED, ReferralStatus.CLOSED}


def test_each_side_takes_steps_that_it_can_write() -> None:
    for step in steps.STEPS:
        own = SenderState if step.permission is Permission.REFERRAL_SEND else Answer
        assert step.after.value in {state.value for state in own}


def test_nothing_is_sent_without_terms() -> None:
    to_sent = [step for step in steps.STEPS if step.after is ReferralStatus.SENT]
    assert to_sent
    assert {step.guard for step in to_sent} == {steps.Guard.TERMS}


def test_every_state_is_reached_and_left_as_far_as_it_can_be() -> None:
    reached = {step.after for step in steps.STEPS} | {ReferralStatus.DRAFT, ReferralStatus.EXPIRED}
    assert reached == set(ReferralStatus)

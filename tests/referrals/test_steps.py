"""Each state of a referral, and each that somebody would lead it to, in SQL on her own login: the steps that there are, and no other."""

from __future__ import annotations

from contextlib import closing

import pytest
from tests.referrals.grounds import ALL, id_of
from tests.referrals.machine import STATES, Sharing, machine
from tests.referrals.model import ANSWERS, ORIGINS, RECEIVERS, Referral
from tests.support.wall import Wall

from pat_auth.policy import Role

WAYS: dict[str, tuple[str, ...]] = {
    "DRAFT": (),
    "CONSENT_RECORDED": ("CONSENT_RECORDED",),
    "SENT": ("CONSENT_RECORDED", "SENT"),
    "ACCEPTED": ("CONSENT_RECORDED", "SENT", "ACCEPTED"),
    "IN_PROGRESS": ("CONSENT_RECORDED", "SENT", "ACCEPTED", "IN_PROGRESS"),
    "COMPLETED": ("CONSENT_RECORDED", "SENT", "ACCEPTED", "COMPLETED"),
    "DECLINED": ("CONSENT_RECORDED", "SENT", "DECLINED"),
    "SUSPENDED": ("CONSENT_RECORDED", "SENT", "SUSPENDED"),
    "REVOKED": ("CONSENT_RECORDED", "SENT", "REVOKED"),
    "CLOSED": ("CONSENT_RECORDED", "SENT", "CLOSED"),
    "EXPIRED": ("CONSENT_RECORDED", "SENT", "EXPIRED"),
    "WITHDRAWN": ("CONSENT_RECORDED", "SENT", "ACCEPTED", "WITHDRAWN"),
    "SUSPENDED BY THE AGREEMENT": ("CONSENT_RECORDED", "SENT", "ACCEPTED", "SUSPENDED BY THE AGREEMENT"),
}
SEEN_AS = {"WITHDRAWN": "REVOKED", "SUSPENDED BY THE AGREEMENT": "SUSPENDED"}


def led(sharing: Sharing, way: tuple[str, ...]) -> Referral:
    """A referral that has gone this way."""
    sharing.all_have_signed()
    referral = sharing._drafted("cbo-a", "goa")
    sharing.base(referral, sharing._agreed("cbo-a", "goa", ALL, "SELF"), ALL)
    for state in way:
        if state in ANSWERS:
            sharing.answer(referral, "goa", state)
        elif state == "EXPIRED":
            sharing.a_referral_runs_out(referral)
        elif state == "WITHDRAWN":
            sharing.withdraw_what_it_stands_on(referral, Role.SURVIVOR)
        elif state == "SUSPENDED BY THE AGREEMENT":
            sharing.suspend_or_resume(("goa", "cbo-a"), True)
        else:
            sharing.move(referral, state)
    return referral


@pytest.mark.parametrize("status", WAYS)
def test_no_login_leads_a_referral_where_no_step_leads(wall: Wall, status: str) -> None:
    """What is tried is compared as it is done: `move` and `answer` fail where the database does another thing than the model."""
    sharing = machine(wall)()
    with closing(sharing._stack):
        referral = led(sharing, WAYS[status])
        assert sharing.model.status(referral) == SEEN_AS.get(status, status)
        state, said = referral.state, set(referral.answers)
        for by in ORIGINS:
            for to in STATES:
                with wall.admin.transaction(force_rollback=True):
                    sharing.move(referral, to, by)
                referral.state = state
        for by in RECEIVERS:
            for answer in ANSWERS:
                if answer in said:
                    continue
                with wall.admin.transaction(force_rollback=True):
                    sharing.answer(referral, by, answer)
                referral.answers = set(said)
        sharing.look()


@pytest.mark.parametrize("side", [("cbo-a", "goa"), ("goa", "cbo-a")])
def test_nothing_is_sent_while_either_side_has_suspended_the_agreement(
    wall: Wall, side: tuple[str, str]
) -> None:
    sharing = machine(wall)()
    with closing(sharing._stack):
        referral = led(sharing, WAYS["CONSENT_RECORDED"])
        sharing.suspend_or_resume(side, True)
        sharing.move(referral, "SENT")
        assert sharing.model.status(referral) == "CONSENT_RECORDED"
        sharing.suspend_or_resume(side, False)
        sharing.move(referral, "SENT")
        assert sharing.model.status(referral) == "SENT"


def test_without_the_trigger_another_step_is_taken(wall: Wall) -> None:
    sharing = machine(wall)()
    with closing(sharing._stack):
        referral = led(sharing, WAYS["REVOKED"])
        wall.admin.execute("alter table app.referrals disable trigger take_step")
        with pytest.raises(AssertionError):
            sharing.move(referral, "SENT")


@pytest.mark.parametrize("is_hers", [True, False], ids=["another consent of hers", "an order"])
@pytest.mark.parametrize("was_hers", [True, False], ids=["a consent", "a basis"])
def test_what_was_withdrawn_or_ended_opens_by_being_sent_anew_and_not_by_standing_on_something_else(
    wall: Wall, was_hers: bool, is_hers: bool
) -> None:
    """`base` and `move` fail where the database does another thing than the model."""
    sharing = machine(wall)()
    with closing(sharing._stack):
        referral = led(sharing, WAYS["ACCEPTED"])
        if not was_hers:
            sharing.base(referral, sharing._recorded("cbo-a", "goa", ALL, False), ALL)
        sharing.withdraw_what_it_stands_on(referral, Role.CASE_MANAGER)
        agreed = sharing._agreed("cbo-a", "goa", ALL, "SELF")
        another = agreed if is_hers else sharing._recorded("cbo-a", "goa", ALL, False)
        before = referral.consent
        sharing.base(referral, another, ALL)
        assert referral.consent is before
        # Nor by standing on nothing in between.
        none = "update app.referrals set consent_id = null, basis_id = null where received_id = %s"
        assert not sharing._write("cbo-a", Role.CASE_MANAGER, none, sharing.ids[id_of(referral)][1])
        sharing.move(referral, "SUSPENDED")
        sharing.base(referral, another, ALL)
        assert sharing.model.status(referral) == "SUSPENDED"
        sharing.look()
        sharing.move(referral, "SENT")
        assert sharing.model.status(referral) == "ACCEPTED"
        sharing.look()


def test_what_is_suspended_for_her_stays_so_when_the_agreement_is_taken_up_again(wall: Wall) -> None:
    sharing = machine(wall)()
    with closing(sharing._stack):
        referral = led(sharing, WAYS["SUSPENDED BY THE AGREEMENT"])
        sharing.move(referral, "SUSPENDED")
        sharing.suspend_or_resume(("goa", "cbo-a"), False)
        assert sharing.model.status(referral) == "SUSPENDED"
        sharing.look()

"""Whatever is signed, agreed to, sent, answered, withdrawn and suspended, in whatever order: everybody sees what the model says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, nullcontext

import pytest
from tests.referrals.grounds import ALL
from tests.referrals.machine import Sharing, explore, machine
from tests.referrals.model import FLAWS, Referral
from tests.support.wall import Wall

from pat_auth.policy import Role

SIDE = ("goa", "cbo-a")
NARROW = frozenset({"LEGAL_STATUS"})


def test_everybody_sees_what_the_model_says(wall: Wall) -> None:
    explore(wall, examples=6)


def stands_on_less(sharing: Sharing, referral: Referral) -> None:
    sharing.base(referral, sharing._agreed("cbo-a", "goa", NARROW, "SELF"), ALL)


TRIED: dict[str, Callable[[Sharing, Referral], object]] = {
    "withdrawal": lambda sharing, referral: sharing.withdraw_what_it_stands_on(referral, Role.SURVIVOR),
    "suspension": lambda sharing, _: sharing.suspend_or_resume(SIDE, True),
    "answer": lambda sharing, referral: sharing.report(referral, "delhi"),
    "end of an agreement": lambda sharing, _: sharing.an_agreement_runs_out(SIDE),
    "end of a consent": lambda sharing, referral: sharing.what_it_stands_on_runs_out(referral),
    "end of a referral": lambda sharing, referral: sharing.a_referral_runs_out(referral),
    "scopes of an agreement": lambda sharing, _: sharing.sign(SIDE, NARROW),
    "scopes of a consent": stands_on_less,
    "approval": lambda sharing, referral: sharing.base(
        referral, sharing._recorded("cbo-a", "goa", ALL, True), frozenset({"RISK_SAFETY"})
    ),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_model_that_forgets_something_is_not_what_they_see(wall: Wall, flaw: str) -> None:
    for forgets in ((), (flaw,)):
        sharing = machine(wall, forgets)()
        with closing(sharing._stack):
            sharing.all_have_signed()
            referral = sharing.referred("cbo-a", "goa", ALL, "SELF")
            TRIED[flaw](sharing, referral)
            with pytest.raises(AssertionError) if forgets else nullcontext():
                sharing.look()

"""The referrals of the demo tell a story in every state: read through the doors, as the people whose referrals they are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.demo.conftest import SECRET, Demo

from pat_platform.database.logins import login_password
from pat_server.demo.organisations import COMMUNITIES, DESTINATIONS, Partner, partner
from pat_server.demo.people import person
from pat_server.demo.referrals import HELD, REFERRALS, ReferralStory, Turn
from pat_tenants.hearings.arrangements import HearingState
from pat_tenants.referrals.models import ReferralStatus

SENT = (
    "select o.slug, c.code, s.status from app.referrals r join door.referral_states s on s.id = r.id"
    " join app.cases c on c.id = r.case_id join app.organisations o on o.id = r.to_organisation_id"
)
RECEIVED = "select status from door.received_referrals"


def seen(demo: Demo, sign_in: str, organisation: Partner, statement: str) -> list[tuple[object, ...]]:
    """What somebody's own login reads in a session of hers."""
    who, session = person(sign_in, organisation), uuid4()
    with psycopg.connect(demo.url) as admin:
        admin.execute(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, 'tests', %s)",
            (
                session,
                who.login,
                organisation.id,
                who.membership,
                who.id,
                datetime.now(UTC) + timedelta(minutes=5),
            ),
        )
    password = login_password(SECRET, who.login, 1)
    try:
        with psycopg.connect(make_conninfo(demo.url, user=who.login, password=password)) as connection:
            connection.execute("select sec.enter(%s)", (str(session),))
            return connection.execute(statement.encode()).fetchall()
    finally:
        with psycopg.connect(demo.url) as admin:
            admin.execute("delete from sec.sessions where id = %s", (session,))


def turning(turn: Turn) -> ReferralStory:
    (story,) = (story for story in REFERRALS if story.turn is turn)
    return story


def referral(demo: Demo, story: ReferralStory) -> tuple[UUID, UUID, UUID]:
    """The referral's id, whom it is about, and the consent that it stands on."""
    (found,) = demo.rows(
        "select r.id, r.survivor_id, r.consent_id from app.referrals r"
        " where r.organisation_id = %s and r.to_organisation_id = %s and r.need = %s and r.urgency = %s"
        " and abs(extract(epoch from now() - r.sent_at) / 86400 - %s) < 0.5",
        partner(story.sender).id,
        partner(story.receiver).id,
        story.need,
        story.urgency,
        story.days_ago,
    )
    return found[0], found[1], found[2]


@pytest.mark.parametrize("organisation", COMMUNITIES, ids=lambda each: each.slug)
def test_a_sender_sees_each_referral_in_the_state_that_its_story_tells(
    demo: Demo, organisation: Partner
) -> None:
    told = Counter(
        (story.receiver, story.status.value) for story in REFERRALS if story.sender == organisation.slug
    )
    assert Counter((slug, status) for slug, _, status in seen(demo, "manager", organisation, SENT)) == told


@pytest.mark.parametrize("organisation", DESTINATIONS, ids=lambda each: each.slug)
def test_a_receiver_sees_them_in_the_same_state_once_they_were_sent(
    demo: Demo, organisation: Partner
) -> None:
    unsent = {ReferralStatus.DRAFT, ReferralStatus.CONSENT_RECORDED}
    told = Counter(
        story.status.value
        for story in REFERRALS
        if story.receiver == organisation.slug and story.status not in unsent
    )
    assert Counter(status for (status,) in seen(demo, "worker", organisation, RECEIVED)) == told


def test_every_state_is_told_and_every_turn() -> None:
    assert {story.status for story in REFERRALS} == set(ReferralStatus)
    assert {story.turn for story in REFERRALS} == {None, *Turn}


def test_one_has_withdrawn_herself_and_her_managers_have_the_alert(demo: Demo) -> None:
    story = turning(Turn.WITHDRAWN)
    _, survivor, consent = referral(demo, story)
    by = person(f"survivor{story.case}", partner(story.sender))
    assert demo.rows(
        "select login, actor from trail.events where action = 'consent.withdrawn' and %s = any(subjects)",
        consent,
    ) == [(by.login, by.id)]
    alerts = "select survivor_id from app.alerts where kind = 'WITHDRAWAL' and is_raised"
    assert (survivor,) in seen(demo, "manager", partner(story.sender), alerts)
    # Whoever starts the server mails nobody of it.
    assert demo.rows("select count(*) from app.alerts where is_raised and told_at is null") == [(0,)]


def test_one_guardian_was_barred_and_the_committee_has_agreed_since(demo: Demo) -> None:
    story = turning(Turn.BARRED)
    _, survivor, consent = referral(demo, story)
    consents = demo.rows(
        "select c.id = %s, c.giver, w.consent_id is null from app.consents c"
        " left join app.consent_withdrawals w on w.consent_id = c.id where c.survivor_id = %s order by 1",
        consent,
        survivor,
    )
    assert consents == [(False, "GUARDIAN", False), (True, "CHILD_WELFARE_COMMITTEE", True)]
    assert demo.rows("select survivor_id from app.barred_guardians") == [(survivor,)]


def test_one_consent_ran_out_and_was_given_again(demo: Demo) -> None:
    _, survivor, consent = referral(demo, turning(Turn.RENEWED))
    consents = demo.rows(
        "select id = %s, valid_until > now(), given_at < now() from app.consents where survivor_id = %s order by 1",
        consent,
        survivor,
    )
    assert consents == [(False, False, True), (True, True, True)]


def test_one_is_shared_on_an_order_and_one_was_because_she_was_missing(demo: Demo) -> None:
    standing = (
        "select b.kind, b.approved_by <> b.created_by, b.ended_at is not null, b.review, b.reviewed_by not in (b.created_by, b.approved_by)"
        " from app.referrals r join app.legal_bases b on b.id = r.basis_id where r.id = %s and r.consent_id is null"
    )
    found = [demo.rows(standing, referral(demo, turning(turn))[0]) for turn in (Turn.ORDERED, Turn.MISSING)]
    assert found == [
        [("COURT_ORDER", None, False, None, None)],
        [("VITAL_INTEREST", True, True, "JUSTIFIED", True)],
    ]


def test_one_agreement_is_suspended_and_one_waits_for_the_other_side(demo: Demo) -> None:
    story = turning(Turn.SUSPENDED)
    statuses = (
        "select o.slug, a.status from door.agreements a join app.organisations o on o.id = a.partner_id"
    )
    assert (story.receiver, "SUSPENDED") in seen(demo, "admin", partner(story.sender), statuses)
    assert ("gujarat", "AWAITING_PARTNER") in seen(demo, "admin", partner("cbo-g"), statuses)


def test_one_survivors_view_of_herself_is_held_back(demo: Demo) -> None:
    slug, case = HELD
    days = "select id from app.hearings"
    held = demo.rows("select survivor_id from app.safety_holds where lifted_at is null")
    (survivor,) = demo.rows(
        "select survivor_id from app.memberships where id = %s",
        person(f"survivor{case}", partner(slug)).membership,
    )
    assert held == [survivor]
    assert seen(demo, f"survivor{case}", partner(slug), days) == []


def test_days_in_court_are_told_in_every_state_by_video_link(demo: Demo) -> None:
    days = "select state, mode from app.hearings union select state, mode from app.referral_hearings"
    assert {state for state, mode in demo.rows(days) if mode == "VIDEO"} == set(HearingState)

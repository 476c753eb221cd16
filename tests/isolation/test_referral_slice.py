"""A referral from one organisation to another, in SQL alone, on the logins of both: what each sees at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.support.people import Member, named
from tests.support.wall import Wall, attempt

from pat_auth.policy import Role

REFUSED = "42501"
LATER = datetime.now(UTC) + timedelta(days=30)
ALL_SCOPES = ("LEGAL_STATUS", "HEARING_SCHEDULE")

Rows = list[tuple[Any, ...]] | str


@dataclass(frozen=True)
class Slice:
    """One referral about ``ours`` of cbo-a to Goa, and the people on both sides. Every step is committed."""

    wall: Wall
    manager: Member
    worker: Member
    id: UUID
    received: UUID
    to: str = "goa"

    @property
    def consent(self) -> UUID:
        """The one that she gave for this receiver and this need."""
        return self.wall.id("app.consents", "cbo-a", "ours")

    def sender(self, statement: str, **values: object) -> Rows:
        return self.run(self.manager, statement, **values)

    def receiver(self, statement: str, **values: object) -> Rows:
        return self.run(self.worker, statement, **values)

    def run(self, member: Member, statement: str, **values: object) -> Rows:
        known = {"id": self.id, "received": self.received, "me": member.person, "mine": member.organisation}
        with self.wall.acting(member, commit=True) as connection:
            return attempt(connection, statement, {**known, **values})

    def draft(self) -> Rows:
        case = self.wall.rows["app.cases"]["cbo-a"]["ours"]
        return self.sender(
            "insert into app.referrals (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, need,"
            " urgency, state, created_by) values (%(mine)s, %(id)s, %(received)s, %(case)s, %(survivor)s, %(to)s,"
            " 'COURT_FOLLOW_UP', 'URGENT', 'DRAFT', %(me)s)",
            case=case["id"],
            survivor=case["survivor_id"],
            to=self.wall.organisation(self.to),
        )

    def move(self, state: str, **values: object) -> Rows:
        assigned = "".join(f", {name} = %({name})s" for name in values)
        return self.sender(
            f"update app.referrals set state = %(state)s{assigned} where id = %(id)s", state=state, **values
        )

    def send(self, *scopes: str) -> None:
        self.move("CONSENT_RECORDED", scopes=list(scopes), agreed_until=LATER, consent_id=self.consent)
        self.move("SENT", sent_at=datetime.now(UTC))

    def answer(self, answer: str, **values: object) -> Rows:
        known = {"sender": self.manager.organisation, **values}
        return self.receiver(
            "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
            " values (%(mine)s, gen_random_uuid(), %(sender)s, %(received)s, %(answer)s, %(me)s)",
            answer=answer,
            **known,
        )

    def report(self, **values: object) -> Rows:
        known = {"sender": self.manager.organisation, **values}
        return self.receiver(
            "insert into app.referral_hearings (organisation_id, id, referral_organisation_id, referral_id, held_on, mode,"
            " created_by) values (%(mine)s, gen_random_uuid(), %(sender)s, %(received)s, '2026-12-24', 'VIDEO', %(me)s)",
            **known,
        )

    def stub(self) -> Rows:
        return self.receiver(
            "select status, need, urgency, scopes from door.received_referrals where id = %(received)s"
        )

    def status(self) -> Rows:
        return self.sender("select status from door.referral_states where id = %(id)s")

    def shared(self) -> tuple[int, int]:
        """How many proceedings and hearings of the sender's the receiver sees."""
        counts = []
        for view in ("door.received_proceedings", "door.received_hearings"):
            rows = self.receiver(f"select count(*) from {view} where referral_id = %(received)s")
            assert not isinstance(rows, str)
            counts.append(rows[0][0])
        return counts[0], counts[1]


@pytest.fixture
def referral(wall: Wall) -> Iterator[Slice]:
    name = str(uuid4())
    made = Slice(
        wall,
        wall.member("cbo-a", Role.CASE_MANAGER),
        wall.member("goa", Role.DESTINATION_WORKER),
        named(name, "id"),
        named(name, "received"),
    )
    yield made
    for table, column in (
        ("app.referral_answers", "referral_id"),
        ("app.referral_hearings", "referral_id"),
        ("app.referrals", "received_id"),
    ):
        wall.admin.execute(f"delete from {table} where {column} = %s".encode(), (made.received,))


@pytest.fixture
def accepted(referral: Slice) -> Slice:
    referral.draft()
    referral.send(*ALL_SCOPES)
    referral.answer("ACCEPTED")
    return referral


def test_a_draft_and_a_recorded_consent_are_the_senders_alone(referral: Slice) -> None:
    assert referral.draft() == [(1,)]
    assert (referral.status(), referral.stub()) == ([("DRAFT",)], [])
    referral.move(
        "CONSENT_RECORDED", scopes=["LEGAL_STATUS"], agreed_until=LATER, consent_id=referral.consent
    )
    assert (referral.status(), referral.stub()) == ([("CONSENT_RECORDED",)], [])
    assert referral.answer("ACCEPTED") == REFUSED
    assert referral.shared() == (0, 0)


def test_before_it_accepts_the_receiver_sees_a_stub(referral: Slice) -> None:
    referral.draft()
    referral.send(*ALL_SCOPES)
    assert referral.stub() == [("SENT", "COURT_FOLLOW_UP", "URGENT", [])]
    assert referral.shared() == (0, 0)
    assert referral.report() == REFUSED


def test_an_accepted_referral_shows_what_was_agreed(accepted: Slice) -> None:
    assert accepted.stub() == [("ACCEPTED", "COURT_FOLLOW_UP", "URGENT", list(ALL_SCOPES))]
    assert accepted.shared() == (1, 1)
    assert accepted.status() == [("ACCEPTED",)]
    assert accepted.sender("select answer from door.sent_answers where referral_id = %(received)s") == [
        ("ACCEPTED",)
    ]


def test_only_the_agreed_scopes_are_shown(referral: Slice) -> None:
    referral.draft()
    referral.send("HEARING_SCHEDULE")
    referral.answer("ACCEPTED")
    assert referral.shared() == (0, 1)
    referral.sender("update app.referrals set scopes = '{LEGAL_STATUS}' where id = %(id)s")
    assert referral.shared() == (1, 0)
    assert referral.report() == REFUSED
    referral.sender("update app.referrals set scopes = '{IDENTITY_FULL}' where id = %(id)s")
    assert referral.shared() == (0, 0)


def test_a_hearing_that_the_receiver_reports_is_seen_by_the_sender(accepted: Slice) -> None:
    assert accepted.report() == [(1,)]
    seen = "select mode from {} where referral_id = %(received)s"
    assert accepted.receiver(seen.format("app.referral_hearings")) == [("VIDEO",)]
    assert accepted.sender(seen.format("door.sent_hearings")) == [("VIDEO",)]
    assert accepted.sender("select 1 from app.referral_hearings where referral_id = %(received)s") == REFUSED


@pytest.mark.parametrize("state", ["REVOKED", "SUSPENDED", "CLOSED"])
def test_a_door_that_is_closed_leaves_a_tombstone_at_the_next_statement(accepted: Slice, state: str) -> None:
    with accepted.wall.acting(accepted.worker) as connection:
        shown = f"select count(*) from door.received_proceedings where referral_id = '{accepted.received}'"
        assert attempt(connection, shown) == [(1,)]
        accepted.move(state, ended_at=datetime.now(UTC))
        assert attempt(connection, shown) == [(0,)]
    assert accepted.stub() == [(state, "COURT_FOLLOW_UP", "URGENT", [])]
    assert accepted.shared() == (0, 0)
    assert accepted.answer("IN_PROGRESS") == REFUSED
    assert accepted.answer("COMPLETED") == REFUSED
    assert accepted.report() == REFUSED


def test_a_suspended_referral_that_is_sent_again_is_open_again(accepted: Slice) -> None:
    accepted.move("SUSPENDED")
    accepted.move("SENT")
    assert accepted.shared() == (1, 1)
    assert accepted.report() == [(1,)]


def test_an_agreement_ends_when_its_time_is_over(accepted: Slice) -> None:
    accepted.sender("update app.referrals set agreed_until = now() where id = %(id)s")
    assert accepted.stub() == [("EXPIRED", "COURT_FOLLOW_UP", "URGENT", [])]
    assert accepted.status() == [("EXPIRED",)]
    assert accepted.shared() == (0, 0)
    assert (accepted.answer("IN_PROGRESS"), accepted.report()) == (REFUSED, REFUSED)


def test_an_agreement_ends_while_the_receivers_transaction_is_open(accepted: Slice) -> None:
    """Until the moment of the statement, not of the transaction."""
    shown = f"select count(*) from door.received_proceedings where referral_id = '{accepted.received}'"
    with accepted.wall.acting(accepted.worker) as connection:
        soon = (
            "update app.referrals set agreed_until = clock_timestamp() + interval '300 ms' where id = %(id)s"
        )
        accepted.sender(soon)
        assert attempt(connection, shown) == [(1,)]
        connection.execute("select pg_sleep(0.35)")
        assert attempt(connection, shown) == [(0,)]


@pytest.mark.parametrize("answers", [["DECLINED"], ["ACCEPTED", "COMPLETED"]])
def test_what_the_receiver_has_ended_stays_ended(referral: Slice, answers: list[str]) -> None:
    referral.draft()
    referral.send(*ALL_SCOPES)
    assert [referral.answer(answer) for answer in answers] == [[(1,)]] * len(answers)
    assert referral.stub() == [(answers[-1], "COURT_FOLLOW_UP", "URGENT", [])]
    assert referral.shared() == (0, 0)
    assert referral.answer("IN_PROGRESS") == REFUSED


def test_a_receiver_cannot_keep_a_door_open_by_dating_its_answer(referral: Slice) -> None:
    referral.draft()
    referral.send(*ALL_SCOPES)
    referral.receiver(
        "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, answered_at,"
        " created_by) values (%(mine)s, gen_random_uuid(), %(sender)s, %(received)s, 'ACCEPTED', '2099-01-01', %(me)s)",
        sender=referral.manager.organisation,
    )
    referral.answer("COMPLETED")
    assert referral.status() == [("COMPLETED",)]
    assert referral.shared() == (0, 0)


def test_the_receiver_never_learns_the_senders_ids(accepted: Slice) -> None:
    case = accepted.wall.rows["app.cases"]["cbo-a"]["ours"]
    hidden = {str(id) for id in (accepted.id, case["id"], case["survivor_id"])}
    for view in ("received_referrals", "received_proceedings", "received_hearings", "received_cases"):
        rows = accepted.receiver(f"select to_jsonb(v)::text from door.{view} v")
        assert not isinstance(rows, str)
        assert rows
        assert not [id for id in hidden if id in repr(rows)], view
    for view in (
        "door.referral_states",
        "door.all_agreements",
        "door.sent_answers",
        "app.referrals",
        "app.legal_proceedings",
    ):
        assert accepted.receiver(f"select 1 from {view}") == REFUSED


@pytest.mark.parametrize(
    ("slug", "role"),
    [
        ("delhi", Role.DESTINATION_WORKER),
        ("delhi", Role.DESTINATION_ADMIN),
        ("cbo-b", Role.DESTINATION_WORKER),
        ("cbo-b", Role.DESTINATION_ADMIN),
    ],
)
def test_a_third_organisation_sees_nothing_of_it(accepted: Slice, slug: str, role: Role) -> None:
    third = replace(accepted, worker=accepted.wall.member(slug, role))
    assert third.stub() == []
    assert third.shared() == (0, 0)
    assert (third.answer("ACCEPTED"), third.report()) == (REFUSED, REFUSED)


@pytest.mark.parametrize(
    "role", [Role.CASE_MANAGER, Role.ORGANISATION_ADMIN, Role.SOCIAL_WORKER, Role.SURVIVOR]
)
def test_another_sender_sees_nothing_of_it(accepted: Slice, role: Role) -> None:
    accepted.report()
    other = replace(accepted, manager=accepted.wall.member("cbo-b", role))
    assert other.status() == []
    for view in ("door.sent_answers", "door.sent_hearings"):
        assert other.sender(f"select 1 from {view} where referral_id = %(received)s") == []


def test_a_referral_of_another_and_one_that_does_not_exist_are_refused_alike(accepted: Slice) -> None:
    """The third organisation's worker guesses: right sender, right id; right sender, no such id; no such sender."""
    third = accepted.wall.member("delhi", Role.DESTINATION_WORKER)
    guesses = (
        (accepted.manager.organisation, accepted.received),
        (accepted.manager.organisation, uuid4()),
        (uuid4(), accepted.received),
    )
    outcomes = set()
    for sender, received in guesses:
        guess = replace(accepted, worker=third, received=received)
        outcomes |= {str(guess.answer("ACCEPTED", sender=sender)), str(guess.report(sender=sender))}
    assert outcomes == {REFUSED}


class TestASendersPeople:
    """Through the door they see the referrals that they see in their own table, and no other."""

    VIEWS = ("door.referral_states", "door.sent_answers", "door.sent_hearings")

    @pytest.mark.parametrize("role", [Role.LEGAL_AID, Role.SURVIVOR])
    def test_what_is_not_hers_is_not_in_her_view(self, accepted: Slice, role: Role) -> None:
        accepted.report()
        other = replace(accepted, manager=accepted.wall.member("cbo-a", role, 1))
        assert other.status() == []
        for view in ("door.sent_answers", "door.sent_hearings"):
            assert other.sender(f"select 1 from {view} where referral_id = %(received)s") == []

    def test_a_survivor_sees_what_became_of_hers(self, accepted: Slice) -> None:
        """Survivor 2 is the one whom ``ours`` is about."""
        accepted.report()
        hers = replace(accepted, manager=accepted.wall.member("cbo-a", Role.SURVIVOR, 2))
        assert hers.status() == [("ACCEPTED",)]
        seen = "select 1 from {} where referral_id = %(received)s"
        # While somebody may look over her shoulder, neither answers nor days in court are in her view.
        views = ("door.sent_answers", "door.sent_hearings")
        assert [hers.sender(seen.format(view)) for view in views] == [[], []]
        held = "update app.safety_holds set lifted_at = %s where organisation_id = %s and survivor_id = %s"
        about = (accepted.manager.organisation, named("cbo-a", "survivors", "ours"))
        accepted.wall.admin.execute(held.encode(), (datetime.now(UTC), *about))
        try:
            assert [hers.sender(seen.format(view)) for view in views] == [[(1,)], [(1,)]]
        finally:
            accepted.wall.admin.execute(held.encode(), (None, *about))

    @pytest.mark.parametrize("role", [Role.CASE_MANAGER, Role.ORGANISATION_ADMIN])
    def test_a_receiver_that_sends_too_does_not_see_the_other_sides_rows(
        self, wall: Wall, role: Role
    ) -> None:
        """Both CBOs have sent each other a referral: the one to cbo-b is not among those that cbo-b sent."""
        with wall.acting(wall.member("cbo-b", role)) as connection:
            seen = attempt(connection, "select distinct organisation_id from door.referral_states")
            assert seen == [(wall.organisation("cbo-b"),)]
            for view in ("door.sent_answers", "door.sent_hearings"):
                sent = attempt(connection, f"select referral_id from {view}")
                assert set(sent) == {(named("cbo-b", "received", label),) for label in ("hers", "exchanged")}

    def test_an_id_that_another_sender_uses_too_opens_nothing(self, accepted: Slice) -> None:
        """Goa's referral of cbo-a, and one of cbo-b's own under the very same ids."""
        other = replace(accepted, manager=accepted.wall.member("cbo-b", Role.CASE_MANAGER), to="delhi")
        case = other.wall.rows["app.cases"]["cbo-b"]["ours"]
        other.sender(
            "insert into app.referrals (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, need,"
            " urgency, state, created_by) values (%(mine)s, %(id)s, %(received)s, %(case)s, %(survivor)s, %(to)s,"
            " 'SHELTER', 'SOON', 'DRAFT', %(me)s)",
            case=case["id"],
            survivor=case["survivor_id"],
            to=other.wall.organisation("delhi"),
        )
        assert other.status() == [("DRAFT",)]
        assert other.sender("select 1 from door.sent_answers where referral_id = %(received)s") == []
        assert accepted.status() == [("ACCEPTED",)]
        assert accepted.shared() == (1, 1)

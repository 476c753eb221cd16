"""Two who send and two who receive do whatever they can think of, in SQL, on their own logins; then each looks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.referrals.grounds import ALL, GIVERS, LATER, OVER, SCOPES, SOMETHING, Grounds, id_of
from tests.referrals.model import ANSWERS, OPEN, ORIGINS, RECEIVERS, Basis, Consent, Model, Referral, Signed
from tests.support.people import named
from tests.support.wall import Wall

from pat_auth.policy import Role

STATES = ("CONSENT_RECORDED", "SENT", "SUSPENDED", "REVOKED", "CLOSED")
BY_SCOPE = {
    "received_proceedings": "LEGAL_STATUS",
    "received_hearings": "HEARING_SCHEDULE",
    "received_support": "HEARING_SCHEDULE",
    "received_identities": "IDENTITY_MINIMAL",
    "received_contacts": "CONTACT_SAFE",
}
SEEN = " union all ".join(
    [
        "select 'stub', id, status, (select array_agg(s order by s) from unnest(scopes) s)::text from door.received_referrals",
        "select 'received_cases', referral_id, (risk_level is not null)::text, null from door.received_cases",
        *(f"select distinct '{view}', referral_id, null, null from door.{view}" for view in BY_SCOPE),
    ]
)
TOLD = (
    "select 'state', id, status from door.referral_states"
    " union all select 'answer', referral_id, answer from door.sent_answers"
    " union all select 'hearings', referral_id, count(*)::text from door.sent_hearings group by referral_id"
)
EMPTIED = (
    "hearing_confirmations",
    "referral_assignments",
    "referral_updates",
    "referral_hearings",
    "referral_answers",
    "referrals",
    "legal_basis_reasons",
    "legal_bases",
    "consent_withdrawals",
    "consents",
    "agreements",
)


class Sharing(Grounds):
    """One survivor of each sender. ``wall`` and ``forgets`` are set by `explore`."""

    forgets: Collection[str] = ()
    referrals: Bundle[Any] = Bundle("referrals")
    consents, bases = Grounds.consents, Grounds.bases

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(self.forgets)
        self.sent: dict[UUID, tuple[UUID, Referral]] = {}
        self.ids: dict[int, tuple[UUID, UUID]] = {}
        self.looked = 0
        self._stack = ExitStack()
        self._stack.enter_context(self.wall.admin.transaction(force_rollback=True))
        self.wall.admin.execute("set local jit = off")
        for table in EMPTIED:
            self.wall.admin.execute(f"delete from app.{table}".encode())

    def teardown(self) -> None:
        """The last look, whatever was not looked at."""
        with self._stack:
            self.look()

    # Agreements

    @initialize()
    def all_have_signed(self) -> None:
        for origin in ORIGINS:
            for receiver in RECEIVERS:
                self.sign((origin, receiver), ALL)
                self.sign((receiver, origin), ALL)

    SIDES = st.sampled_from([pair for o in ORIGINS for r in RECEIVERS for pair in ((o, r), (r, o))])

    @rule(side=SIDES, scopes=SOMETHING)
    def sign(self, side: tuple[str, str], scopes: frozenset[str]) -> None:
        """Once more says what holds from now on; a suspension stays."""
        slug = side[0]
        role = Role.ORGANISATION_ADMIN if slug in ORIGINS else Role.DESTINATION_ADMIN
        by = self.wall.member(slug, role).person
        known = self.model.signed.get(side)
        if known is None:
            statement = (
                "insert into app.agreements (scopes, valid_from, valid_until, organisation_id, partner_id, created_by, updated_by)"
                f" values (%s, 'epoch', {LATER}, %s, %s, %s, %s)"
            )
            assert self._write(slug, role, statement, list(scopes), *self._pair(*side), by, by)
            self.model.signed[side] = Signed(scopes)
        else:
            statement = (
                f"update app.agreements set scopes = %s, valid_until = {LATER}, updated_by = %s"
                " where (organisation_id, partner_id) = (%s, %s)"
            )
            assert self._write(slug, role, statement, list(scopes), by, *self._pair(*side))
            known.scopes, known.is_over = scopes, False

    @rule(side=SIDES, is_suspended=st.booleans())
    def suspend_or_resume(self, side: tuple[str, str], is_suspended: bool) -> None:
        slug = side[0]
        role = Role.ORGANISATION_ADMIN if slug in ORIGINS else Role.DESTINATION_ADMIN
        since = "statement_timestamp()" if is_suspended else "null"
        statement = f"update app.agreements set suspended_at = {since}, updated_by = %s where (organisation_id, partner_id) = (%s, %s)"
        assert self._write(slug, role, statement, self.wall.member(slug, role).person, *self._pair(*side))
        self.model.signed[side].is_suspended = is_suspended

    @rule(side=SIDES)
    def an_agreement_runs_out(self, side: tuple[str, str]) -> None:
        self.wall.admin.execute(
            f"update app.agreements set valid_until = {OVER} where (organisation_id, partner_id) = (%s, %s)".encode(),
            self._pair(*side),
        )
        self.model.signed[side].is_over = True

    # Referrals

    @rule(referral=referrals, by=st.sampled_from([Role.SURVIVOR, Role.CASE_MANAGER]))
    def withdraw_what_it_stands_on(self, referral: Referral, by: Role) -> None:
        if isinstance(referral.consent, Basis):
            self.end(referral.consent, by)
        elif referral.consent:
            self.withdraw(referral.consent, by)

    @rule(referral=referrals)
    def what_it_stands_on_runs_out(self, referral: Referral) -> None:
        if isinstance(referral.consent, Basis):
            self.a_basis_runs_out(referral.consent)
        elif referral.consent:
            self.a_consent_runs_out(referral.consent)

    @rule(target=referrals, origin=st.sampled_from(ORIGINS), to=st.sampled_from(RECEIVERS))
    def draft(self, origin: str, to: str) -> Referral:
        return self._drafted(origin, to)

    def _drafted(self, origin: str, to: str) -> Referral:
        id, received = uuid4(), uuid4()
        statement = (
            "insert into app.referrals (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, need, urgency,"
            " state, created_by) values (%s, %s, %s, %s, %s, %s, 'SHELTER', 'SOON', 'DRAFT', %s)"
        )
        about = (named(origin, "cases", "hers"), named(origin, "survivors", "hers"))
        organisation, receiver = self._pair(origin, to)
        by = self.wall.member(origin, Role.CASE_MANAGER).person
        assert self._write(
            origin, Role.CASE_MANAGER, statement, organisation, id, received, *about, receiver, by
        )
        referral = Referral(origin, to)
        self.ids[id_of(referral)], self.sent[received] = (id, received), (id, referral)
        return referral

    @rule(
        target=referrals,
        origin=st.sampled_from(ORIGINS),
        to=st.sampled_from(RECEIVERS),
        scopes=SOMETHING,
        giver=GIVERS,
    )
    def refer_and_take_on(self, origin: str, to: str, scopes: frozenset[str], giver: str) -> Referral:
        return self.referred(origin, to, scopes, giver)

    def referred(self, origin: str, to: str, scopes: frozenset[str], giver: str) -> Referral:
        """The usual way, as far as it leads."""
        referral = self._drafted(origin, to)
        self.base(referral, self._agreed(origin, to, scopes, giver), scopes)
        for state in ("CONSENT_RECORDED", "SENT"):
            self.move(referral, state)
        self.answer(referral, to, "ACCEPTED")
        return referral

    @rule(
        target=referrals,
        origin=st.sampled_from(ORIGINS),
        to=st.sampled_from(RECEIVERS),
        is_vital=st.booleans(),
    )
    def refer_and_take_on_without_her(self, origin: str, to: str, is_vital: bool) -> Referral:
        """The same on another basis, which for a vital interest somebody has approved."""
        referral, basis = self._drafted(origin, to), self._recorded(origin, to, ALL, is_vital)
        if is_vital:
            self.approve(basis, Role.ORGANISATION_ADMIN)
        self.base(referral, basis, basis.scopes)
        for state in ("CONSENT_RECORDED", "SENT"):
            self.move(referral, state)
        self.answer(referral, to, "ACCEPTED")
        return referral

    @rule(referral=referrals, ground=st.one_of(consents, bases), scopes=SCOPES)
    def base_on_either(self, referral: Referral, ground: Consent, scopes: frozenset[str]) -> None:
        self.base(referral, ground, scopes)

    def base(self, referral: Referral, consent: Consent, scopes: frozenset[str]) -> None:
        """Whatever the sender's row says, the door asks what it stands on. What is about another is nothing."""
        one, other = ("basis_id", "consent_id") if isinstance(consent, Basis) else ("consent_id", "basis_id")
        statement = f"update app.referrals set {one} = %s, {other} = null, scopes = %s, agreed_until = {LATER} where id = %s"
        values = (self.given[id_of(consent)], list(scopes), self.ids[id_of(referral)][0])
        if (consent.origin, consent.to) != (referral.origin, referral.to):
            assert self._as(referral.origin, Role.CASE_MANAGER, statement, *values) == "23503"
            return
        expected = self.model.may_stand(referral, consent)
        assert self._write(referral.origin, Role.CASE_MANAGER, statement, *values) is expected
        if expected:
            referral.consent, referral.scopes, referral.is_over = consent, scopes, False

    @rule(referral=referrals, to=st.sampled_from(STATES), by=st.sampled_from(ORIGINS))
    def move_as_anybody(self, referral: Referral, to: str, by: str) -> None:
        self.move(referral, to, by)

    def move(self, referral: Referral, to: str, by: str | None = None) -> None:
        by = by or referral.origin
        if referral.consent is None:
            # A row without terms is no more than a draft: a constraint says so before any step is asked.
            return
        statement = "update app.referrals set state = %s where id = %s"
        expected = by == referral.origin and self.model.may_move(referral, to)
        assert self._write(by, Role.CASE_MANAGER, statement, to, self.ids[id_of(referral)][0]) is expected, (
            to,
            self.model.status(referral),
        )
        if expected:
            referral.state = to

    @rule(referral=referrals)
    def a_referral_runs_out(self, referral: Referral) -> None:
        self.wall.admin.execute(
            f"update app.referrals set agreed_until = {OVER} where id = %s".encode(),
            (self.ids[id_of(referral)][0],),
        )
        referral.is_over = True

    @rule(referral=referrals, by=st.sampled_from(RECEIVERS), answer=st.sampled_from(ANSWERS))
    def answer(self, referral: Referral, by: str, answer: str) -> None:
        statement = (
            "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
            " values (%s, gen_random_uuid(), %s, %s, %s, %s)"
        )
        self._said(referral, by, statement, answer, self.model.may_answer(referral, by, answer))

    @rule(referral=referrals, by=st.sampled_from(RECEIVERS))
    def report(self, referral: Referral, by: str) -> None:
        statement = (
            "insert into app.referral_hearings (organisation_id, id, referral_organisation_id, referral_id, mode, created_by,"
            " held_on) values (%s, gen_random_uuid(), %s, %s, %s, %s, current_date + 9)"
        )
        self._said(referral, by, statement, "VIDEO", self.model.may_report(referral, by))

    def _said(self, referral: Referral, by: str, statement: str, what: str, expected: bool) -> None:
        member = self.wall.member(by, Role.DESTINATION_WORKER)
        known = (member.organisation, self.wall.organisation(referral.origin), self.ids[id_of(referral)][1])
        written = self._write(by, Role.DESTINATION_WORKER, statement, *known, what, member.person)
        assert written is expected, (by, what, self.model.status(referral))
        if not expected:
            return
        if what == "VIDEO":
            referral.reported += 1
        else:
            referral.answers.add(what)

    # What everybody sees

    @invariant()
    def everybody_sees_what_the_model_says(self) -> None:
        """Every third time: to look takes longer than to do."""
        self.looked += 1
        if self.looked % 3 == 0:
            self.look()

    def look(self) -> None:
        """Compare. Raises AssertionError."""
        self.receivers_see_what_was_agreed_to()
        self.senders_see_what_became_of_theirs()

    def receivers_see_what_was_agreed_to(self) -> None:
        for slug in RECEIVERS:
            expected: set[tuple[Any, ...]] = set()
            for received, (_, referral) in self.sent.items():
                if referral.to == slug and referral.is_sent:
                    expected |= set(self._shown(received, referral))
            seen = self._as(slug, Role.DESTINATION_WORKER, SEEN)
            assert set(seen) == expected, slug

    def _shown(self, received: UUID, referral: Referral) -> Iterable[tuple[Any, ...]]:
        status, scopes = self.model.status(referral), self.model.shared(referral)
        told = "{" + ",".join(sorted(scopes)) + "}" if scopes else None
        yield "stub", received, status, told
        if status in OPEN:
            yield "received_cases", received, str("RISK_SAFETY" in scopes).lower(), None
        for view, scope in BY_SCOPE.items():
            if scope in scopes:
                yield view, received, None, None

    def senders_see_what_became_of_theirs(self) -> None:
        for slug in ORIGINS:
            expected: set[tuple[Any, ...]] = set()
            for received, (id, referral) in self.sent.items():
                if referral.origin != slug:
                    continue
                expected.add(("state", id, self.model.status(referral)))
                expected |= {("answer", received, answer) for answer in referral.answers}
                if referral.reported:
                    expected.add(("hearings", received, str(referral.reported)))
            assert set(self._as(slug, Role.CASE_MANAGER, TOLD)) == expected, slug


def machine(wall: Wall, forgets: Collection[str] = ()) -> type[Sharing]:
    """One behind this wall, with a model that does not look at what it forgets."""
    return type("Sharing", (Sharing,), {"wall": wall, "forgets": forgets})


def explore(wall: Wall, *, examples: int, steps: int = 20) -> None:
    """Let them do so many things, so many times. Raises AssertionError where somebody sees what she should not, or not what she should."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=examples < 50,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(machine(wall), settings=chosen)

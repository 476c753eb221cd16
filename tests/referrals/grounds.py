"""On what something is shared, as the machine puts it down: consents and their withdrawals, and what there is instead."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule
from tests.isolation.lines import EVERYTHING
from tests.referrals.model import ORIGINS, RECEIVERS, Basis, Consent
from tests.support.people import named
from tests.support.wall import Wall, as_superuser, attempt

from pat_auth.policy import Role

ALL = frozenset(EVERYTHING)
VITAL = frozenset({"CONTACT_SAFE", "RISK_SAFETY"})
SCOPES = st.sampled_from(
    [ALL, ALL, frozenset({"LEGAL_STATUS"}), frozenset({"HEARING_SCHEDULE", "IDENTITY_MINIMAL"}), frozenset()]
)
SOMETHING = SCOPES.filter(bool)
GIVERS = st.sampled_from(["SELF in the app", "SELF", "GUARDIAN", "CHILD_WELFARE_COMMITTEE"])
OVER, LATER = "statement_timestamp() - interval '1 second'", "statement_timestamp() + interval '30 days'"


def id_of(thing: object) -> int:
    """The model's things are told apart by which they are, not by what they say."""
    return id(thing)


class Grounds(RuleBasedStateMachine):
    """One survivor of each sender. ``wall`` is set by whoever explores."""

    wall: Wall
    consents: Bundle[Any] = Bundle("consents")
    bases: Bundle[Any] = Bundle("bases")

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[int, UUID] = {}

    def _as(self, slug: str, role: Role, statement: str, *values: object) -> list[tuple[Any, ...]] | str:
        member = self.wall.member(slug, role)
        with as_superuser(self.wall.admin, member.login, member.session):
            return attempt(self.wall.admin, statement, values)

    def _write(self, slug: str, role: Role, statement: str, *values: object) -> bool:
        """Whether a row was written. What is refused is refused by the wall or by a step, not by a mistake of this test."""
        answer = self._as(slug, role, statement, *values)
        if isinstance(answer, str):
            assert answer in ("42501", "23514"), (answer, statement, values)
            return False
        return bool(answer[0][0])

    def _pair(self, slug: str, partner: str) -> tuple[UUID, UUID]:
        return self.wall.organisation(slug), self.wall.organisation(partner)

    # Consents

    @rule(
        target=consents,
        origin=st.sampled_from(ORIGINS),
        to=st.sampled_from(RECEIVERS),
        scopes=SOMETHING,
        giver=GIVERS,
    )
    def agree(self, origin: str, to: str, scopes: frozenset[str], giver: str) -> Consent:
        return self._agreed(origin, to, scopes, giver)

    def _agreed(self, origin: str, to: str, scopes: frozenset[str], giver: str) -> Consent:
        is_hers = giver == "SELF in the app"
        role = Role.SURVIVOR if is_hers else Role.CASE_MANAGER
        id = uuid4()
        statement = (
            "insert into app.consents (organisation_id, id, survivor_id, recipient_id, purpose, scopes, giver, mode,"
            " notice_version, notice_language, agreed, evidence, valid_until, created_by)"
            f" values (%s, %s, %s, %s, 'SHELTER', %s, %s, %s, '1', 'bn', '{{PURPOSE}}', %s, {LATER}, %s)"
        )
        organisation, recipient = self._pair(origin, to)
        values = (organisation, id, named(origin, "survivors", "hers"), recipient, list(scopes))
        how = ("SELF", "APP", None) if is_hers else (giver, "THUMBPRINT", "R 1")
        assert self._write(origin, role, statement, *values, *how, self.wall.member(origin, role).person)
        consent = Consent(origin, to, scopes)
        self.given[id_of(consent)] = id
        return consent

    @rule(consent=consents, by=st.sampled_from([Role.SURVIVOR, Role.CASE_MANAGER]))
    def withdraw(self, consent: Consent, by: Role) -> None:
        """Always succeeds; to say it twice changes nothing."""
        statement = (
            "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
            " values (%s, %s, %s, %s) on conflict do nothing"
        )
        known = (
            self.wall.organisation(consent.origin),
            self.given[id_of(consent)],
            named(consent.origin, "survivors", "hers"),
        )
        person = self.wall.member(consent.origin, by).person
        assert self._write(consent.origin, by, statement, *known, person) is not consent.is_withdrawn
        consent.is_withdrawn = True

    @rule(consent=consents)
    def a_consent_runs_out(self, consent: Consent) -> None:
        self.wall.admin.execute(
            f"update app.consents set given_at = 'epoch', valid_until = {OVER} where id = %s".encode(),
            (self.given[id_of(consent)],),
        )
        consent.is_over = True

    # Other bases

    @rule(
        target=bases,
        origin=st.sampled_from(ORIGINS),
        to=st.sampled_from(RECEIVERS),
        scopes=SOMETHING,
        is_vital=st.booleans(),
    )
    def record(self, origin: str, to: str, scopes: frozenset[str], is_vital: bool) -> Basis:
        return self._recorded(origin, to, scopes, is_vital)

    def _recorded(self, origin: str, to: str, scopes: frozenset[str], is_vital: bool) -> Basis:
        """Of a vital interest what may not be shared on one is left out."""
        if is_vital:
            scopes = scopes & VITAL or VITAL
        id, by = uuid4(), self.wall.member(origin, Role.CASE_MANAGER).person
        hers = named(origin, "survivors", "hers")
        organisation, recipient = self._pair(origin, to)
        kind, reference = ("VITAL_INTEREST", None) if is_vital else ("COURT_ORDER", "WP 1")
        statement = (
            "insert into app.legal_bases (organisation_id, id, survivor_id, recipient_id, purpose, scopes, kind, reference,"
            " valid_until, created_by) values (%s, %s, %s, %s, 'SHELTER', %s, %s, %s, now() + interval '70 hours', %s)"
        )
        values = (organisation, id, hers, recipient, list(scopes), kind, reference, by)
        assert self._write(origin, Role.CASE_MANAGER, statement, *values)
        why = (
            "insert into app.legal_basis_reasons (organisation_id, basis_id, survivor_id, reason, created_by)"
            " values (%s, %s, %s, 'sealed', %s)"
        )
        assert self._write(origin, Role.CASE_MANAGER, why, organisation, id, hers, by)
        basis = Basis(origin, to, scopes, is_vital=is_vital)
        self.given[id_of(basis)] = id
        return basis

    @rule(basis=bases, by=st.sampled_from([Role.ORGANISATION_ADMIN, Role.CASE_MANAGER]))
    def approve(self, basis: Basis, by: Role) -> None:
        """Only a second person does, once, of what runs."""
        may = basis.is_vital and not (basis.is_approved or basis.is_withdrawn or basis.is_over)
        expected = may and by is Role.ORGANISATION_ADMIN
        assert self._sign(basis, by, "approved_by") is expected
        basis.is_approved |= expected

    @rule(basis=bases, by=st.sampled_from([Role.SURVIVOR, Role.ORGANISATION_ADMIN, Role.CASE_MANAGER]))
    def end(self, basis: Basis, by: Role) -> None:
        """Not she herself, and once; whoever has ended it may say so again, which changes nothing."""
        expected = by is not Role.SURVIVOR and not (basis.is_withdrawn or basis.is_over)
        ended = self._sign(basis, by, "ended_by")
        assert ended is expected or (ended and basis.is_withdrawn and by is not Role.SURVIVOR)
        basis.is_withdrawn |= expected

    def _sign(self, basis: Basis, by: Role, column: str) -> bool:
        statement = f"update app.legal_bases set {column} = %s where id = %s"
        person = self.wall.member(basis.origin, by).person
        return self._write(basis.origin, by, statement, person, self.given[id_of(basis)])

    @rule(basis=bases)
    def a_basis_runs_out(self, basis: Basis) -> None:
        self.wall.admin.execute(
            f"update app.legal_bases set created_at = now() - interval '1 hour', valid_until = {OVER} where id = %s".encode(),
            (self.given[id_of(basis)],),
        )
        basis.is_over = True
